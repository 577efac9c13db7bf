"""The room of images: built by code, compared with a naive reading, and broken on purpose."""
