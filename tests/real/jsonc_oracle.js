// Microsoft's jsonc-parser on what cc-fleet made of a document: a line of JSON in, a list of what differs out.
'use strict';
const readline = require('readline');
const { createScanner, parse, parseTree, modify, applyEdits } = require(process.argv[2]);

const OPTIONS = { allowTrailingComma: true, allowEmptyContent: true };
const COMMENTS = new Set([12, 13]); // line and block
const TRIVIA = new Set([12, 13, 14, 15]);
const bare = (text) => (text.startsWith('\ufeff') ? text.slice(1) : text);

function read(text) {
  const errors = [];
  const value = parse(text, errors, OPTIONS);
  return errors.length ? undefined : { value: value === undefined ? {} : value };
}

function stable(value) {
  if (Array.isArray(value)) return `[${value.map(stable).join()}]`;
  if (value && typeof value === 'object') return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${stable(value[key])}`).join()}}`;
  return typeof value === 'number' && !Number.isFinite(value) ? `"${value}"` : JSON.stringify(value);
}

function tokens(text) {
  const scanner = createScanner(text, false);
  const found = [];
  for (let kind = scanner.scan(); kind !== 17; kind = scanner.scan()) {
    found.push({ kind, at: scanner.getTokenOffset(), text: text.substr(scanner.getTokenOffset(), scanner.getTokenLength()) });
  }
  return found;
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const has = (value, key) => Object.prototype.hasOwnProperty.call(value, key);

// The properties of that name, in order: the last is in force.
const named = (node, key) => node.children.filter((one) => one.children[0].value === key);

// The object that holds the path's last key; null where something on the way is missing, undefined where it is no object.
function parentOf(root, path) {
  let node = root;
  for (const key of path.slice(0, -1)) {
    if (node.type !== 'object') return undefined;
    const found = named(node, key);
    if (!found.length) return null;
    node = found[found.length - 1].children[1];
  }
  return node.type === 'object' ? node : undefined;
}

function expectedAfter(value, path, change) {
  const copy = JSON.parse(stable(value));
  let at = copy;
  for (const key of path.slice(0, -1)) {
    if (!has(at, key)) at[key] = {};
    at = at[key];
  }
  change(at, path[path.length - 1]);
  return stable(copy);
}

// Comments in order, without those in the spans that an edit replaces.
function comments(text, spans) {
  return tokens(text).filter((one) => COMMENTS.has(one.kind) && !spans.some(([from, to]) => one.at >= from && one.at < to)).map((one) => one.text);
}

// Trailing commas, which an edit may keep and never make.
function commas(text) {
  const solid = tokens(bare(text)).filter((token) => !TRIVIA.has(token.kind));
  return solid.filter((token, at) => token.kind === 5 && at + 1 < solid.length && [2, 4].includes(solid[at + 1].kind)).length;
}

// Lines that end in a newline alone.
const ends = (text) => (text.match(/(?<!\r)\n/g) || []).length;

function check(one) {
  const wrong = [];
  const say = (what, good) => { if (!good) wrong.push(what); };
  const text = bare(one.text);
  const mark = one.text.length - text.length;
  const theirs = read(text);
  say('acceptance', (theirs !== undefined) === one.accepted);
  if (theirs === undefined) {
    say('edited what is no document', one.set === null && one.removed === null && one.repaired === null);
    return { wrong, accepted: false, modified: 0 };
  }
  say('value', one.accepted && stable(theirs.value) === stable(one.value));
  const root = parseTree(text, [], OPTIONS) || { type: 'object', offset: text.length, length: 0, children: [] };
  const parent = parentOf(root, one.path);
  const modified = checkSet(one, text, root, parent, theirs.value, say) + checkRemoved(one, text, parent, theirs.value, say);
  checkRepaired(one, text, theirs.value, say);
  for (const made of [one.set, one.removed, one.repaired].filter((each) => each !== null)) {
    say('a trailing comma is new', commas(made) <= commas(text));
    say('line ends', !text.includes('\r\n') || ends(text) > 0 || ends(made) === 0);
  }
  for (const made of [one.set, one.removed, one.repaired]) say('byte-order mark', made === null || made.length - bare(made).length === mark);
  return { wrong, accepted: true, modified };
}

// Whether their own edit gives the same value, where it is one and the path has no duplicates, of which they take the first.
function likeTheirs(text, path, value, made, say) {
  let edited;
  try {
    edited = applyEdits(text, modify(text, path, value, { formattingOptions: { insertSpaces: true, tabSize: 2 } }));
  } catch { return 0; }
  const theirs = read(edited);
  if (theirs === undefined) return 0;
  say('result of their edit', stable(theirs.value) === stable(read(made).value));
  return 1;
}

function single(root, path) {
  let node = root;
  for (const key of path) {
    if (node.type !== 'object') return true;
    const found = named(node, key);
    if (found.length !== 1) return found.length === 0;
    node = found[0].children[1];
  }
  return true;
}

function checkSet(one, text, root, parent, value, say) {
  if (one.set === null) {
    say('set refused', parent === undefined);
    return 0;
  }
  const made = bare(one.set);
  const after = read(made);
  say('set is no document', after !== undefined);
  say('set below what is no object', parent !== undefined);
  if (after === undefined || parent === undefined) return 0;
  const key = one.path[one.path.length - 1];
  say('value after set', stable(after.value) === expectedAfter(value, one.path, (at, name) => { at[name] = JSON.parse(JSON.stringify(one.wanted)); }));
  say('set is idempotent', one.set === one.setAgain);
  const found = parent ? named(parent, key) : [];
  if (found.length) { // the value changes, and not a byte else
    const node = found[found.length - 1].children[1];
    const [from, to] = [node.offset, node.offset + node.length];
    if (stable(one.old) === stable(one.wanted) && one.same) say('an equal value was written anew', made === text);
    say('bytes outside of set', made.startsWith(text.slice(0, from)) && made.endsWith(text.slice(to)) && made.length >= text.length - (to - from));
    say('comments after set', made === text || comments(text, [[from, to]]).join('\0') === comments(made, []).join('\0'));
  } else {
    const into = parent || deepest(root, one.path);
    const last = into.children[into.children.length - 1];
    const from = last ? last.offset + last.length : into.offset + (into.length ? 1 : 0);
    const to = into.length ? into.offset + into.length - 1 : text.length;
    say('bytes outside of an inserted member', made.startsWith(text.slice(0, from)) && made.endsWith(text.slice(to)));
    say('comments after insert', comments(text, []).join('\0') === comments(made, []).join('\0'));
    const solid = (all) => tokens(all).filter((token) => !TRIVIA.has(token.kind)).length;
    const grown = solid(made) - solid(text);
    say('tokens of an inserted member', grown >= 3 && grown <= solid(JSON.stringify(one.wanted)) + 3 + 4 * one.path.length);
  }
  return single(root, one.path) && made !== text ? likeTheirs(text, one.path, one.wanted, made, say) : 0;
}

// The innermost object of the path that is there.
function deepest(root, path) {
  let node = root;
  for (const key of path) {
    const found = named(node, key);
    if (!found.length) return node;
    node = found[found.length - 1].children[1];
  }
  return node;
}

function checkRemoved(one, text, parent, value, say) {
  const made = one.removed === null ? null : bare(one.removed);
  const after = made === null ? undefined : read(made);
  say('removed is no document', after !== undefined);
  if (after === undefined) return 0;
  const key = one.path[one.path.length - 1];
  const found = parent ? named(parent, key) : [];
  say('remove is idempotent', one.removed === one.removedAgain);
  if (!found.length) {
    say('removed what is not there', made === text);
    return 0;
  }
  say('value after remove', stable(after.value) === expectedAfter(value, one.path, (at, name) => { delete at[name]; }));
  const spans = found.map((property) => [property.offset, property.offset + property.length]);
  say('comments after remove', comments(text, spans).join('\0') === comments(made, []).join('\0'));
  const all = parent.children;
  const [first, last] = [all.indexOf(found[0]), all.indexOf(found[found.length - 1])];
  const from = first > 0 ? all[first - 1].offset + all[first - 1].length : parent.offset + 1;
  const to = last < all.length - 1 ? all[last + 1].offset : parent.offset + parent.length - 1;
  say('bytes outside of remove', made.startsWith(text.slice(0, from)) && made.endsWith(text.slice(to)));
  return found.length === 1 && single(parent, [key]) && single(parseTree(text, [], OPTIONS), one.path) ? likeTheirs(text, one.path, undefined, made, say) : 0;
}

function checkRepaired(one, text, value, say) {
  say('repair refused', one.repaired !== null);
  if (one.repaired === null) return;
  const made = bare(one.repaired);
  if (!made.trim()) {
    say('repaired to nothing', stable(value) === '{}');
    return;
  }
  try {
    say('value after repair', stable(JSON.parse(made)) === stable(value));
  } catch { say('repaired is no strict JSON', false); }
  const solid = tokens(text).filter((token) => !TRIVIA.has(token.kind));
  const kept = solid.filter((token, at) => !(token.kind === 5 && at + 1 < solid.length && [2, 4].includes(solid[at + 1].kind)));
  say('tokens after repair', kept.map((token) => token.text).join('\0') === tokens(made).filter((token) => !TRIVIA.has(token.kind)).map((token) => token.text).join('\0'));
  say('comments after repair', comments(made, []).length === 0);
  say('repaired what is strict', one.repaired === one.text || kept.length < solid.length || comments(text, []).length > 0);
}

readline.createInterface({ input: process.stdin }).on('line', (line) => process.stdout.write(`${JSON.stringify(check(JSON.parse(line)))}\n`));
