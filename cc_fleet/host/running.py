def found(os): return ()
