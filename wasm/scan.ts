// The innermost loop of the gate (src/stream/scan.ts), in AssemblyScript: finds the lines that hold one of many texts.
//
// Every needle has a window, of which any block of so many bytes is met when one looks at each `stride`-th byte alone: a window of
// stride + width - 1 bytes holds a block at each of `stride` places in a row. So one block in `stride` bytes is looked up, in a
// bitmap of 8 KiB; what the bitmap knows is looked up in a hash table and compared. No look depends on the one before it, and
// the cost hardly grows with the number of needles.

/** Bits of a bitmap, and lists of a hash table: powers of two. */
const HASH_BITS: u32 = 16;
const LIST_BITS: u32 = 12;

@unmanaged
class Needle {
  text: usize;
  length: usize;
  /** Letters count alike; `text` is in lower case. */
  folds: bool;
  /** The line in which it was found last. */
  line: u32;
}

/** A block of a needle's window. */
@unmanaged
class Block {
  next: usize;
  needle: u32;
  /** Where it stands in the needle. */
  offset: usize;
  bytes: u32;
}

/** Looks at each `stride`-th byte for the blocks of some needles, of so many bytes. */
@unmanaged
class Sampler {
  stride: usize;
  width: usize;
  mask: u32;
  bitmap: usize;
  lists: usize;
  /** Where a block was found last, and which needles stand there. */
  at: usize;
  found: usize;
  count: u32;
}

let heap: usize = __heap_base;

let needles: usize = 0;
let needleCount: u32 = 0;
let samplers: usize = 0;
let samplerCount: u32 = 0;
let line: u32 = 0;

/** Where lines are read from and told to; see `scan`. */
export let input: usize = 0;
export let output: usize = 0;
let outputEnd: usize = 0;
/** Where the next scan goes on. */
export let next: usize = 0;

/** Lays out the memory, before all else. Sizes in bytes, in needles, in samplers. */
export function start(inputBytes: usize, outputBytes: usize, maxNeedles: u32, maxSamplers: u32): void {
  input = reserve(inputBytes + 16);
  output = reserve(outputBytes + (maxNeedles + 4) * 4);
  outputEnd = output + outputBytes;
  needles = reserve(maxNeedles * offsetof<Needle>());
  samplers = reserve(maxSamplers * offsetof<Sampler>());
}

/** Room for so many bytes, all of them 0. */
export function reserve(bytes: usize): usize {
  const at = (heap + 15) & ~15;
  heap = at + bytes;
  const missing = <i32>((heap + 0xffff) >> 16) - memory.size();
  if (missing > 0) memory.grow(missing);
  return at;
}

/** Takes a text. Needles are numbered from 0. */
export function addNeedle(text: usize, length: usize, folds: bool): void {
  const needle = needleAt(needleCount++);
  needle.text = text;
  needle.length = length;
  needle.folds = folds;
}

/** Takes up to 4 bytes as a block. Samplers are numbered from 0. */
export function addSampler(stride: usize, width: usize): void {
  const sampler = samplerAt(samplerCount++);
  sampler.stride = stride;
  sampler.width = width;
  sampler.mask = width === 4 ? 0xffffffff : (1 << (<u32>width * 8)) - 1;
  sampler.bitmap = reserve(1 << (HASH_BITS - 3));
  sampler.lists = reserve(sizeof<usize>() << LIST_BITS);
  sampler.found = reserve(<usize>needleCount * stride * 4);
}

/** Makes a sampler know a needle by the blocks of its window, which begins at `offset`. */
export function addWindow(sampler: u32, needle: u32, offset: usize): void {
  const into = samplerAt(sampler);
  for (let i: usize = 0; i < into.stride; i++) addBlock(into, needle, offset + i);
}

function addBlock(sampler: Sampler, needle: u32, offset: usize): void {
  const block = changetype<Block>(reserve(offsetof<Block>()));
  const bytes = blockAt(needleAt(needle).text + offset, sampler.mask);
  const hash = hashOf(bytes);
  const bits = sampler.bitmap + (hash >> 3);
  store<u8>(bits, load<u8>(bits) | (<u8>1 << <u8>(hash & 7)));
  const list = listOf(sampler, hash);
  block.next = load<usize>(list);
  block.needle = needle;
  block.offset = offset;
  block.bytes = bytes;
  store<usize>(list, changetype<usize>(block));
}

/**
 * Tells the lines between `from` and `to` that hold a needle, with all needles that they hold: 32-bit words at `output`, for each
 * line where it begins, where it ends, 1 if it is not ASCII alone, how many needles, and these. Ends early when `output` is full, or
 * after `most` lines; `next` says where to go on.
 *
 * @param every tells all lines; `foreign`: also those that are not ASCII alone; lines longer than `maxLine` never
 * @returns behind the last word
 */
export function scan(from: usize, to: usize, maxLine: usize, every: bool, foreign: bool, most: u32): usize {
  let out = output;
  let at = from;
  for (let i: u32 = 0; i < samplerCount; i++) sample(samplerAt(i), at, from, to);
  let strange = foreign ? foreignByte(at, to) : to;
  for (; at < to && most > 0 && out < outputEnd; most--) {
    const hit = every ? at : min(strange, firstHit(to));
    if (hit >= to) {
      at = to;
      break;
    }
    const start = every ? at : startOfLine(hit, at);
    const end = newline(hit, to);
    const isShort = end - start <= maxLine;
    const count = collect(isShort ? out + 16 : 0, end, from, to);
    if (strange < end) strange = foreignByte(end, to);
    if (isShort) out = tell(out, start, end, count);
    at = end + 1;
  }
  next = at;
  return out;
}

function tell(out: usize, start: usize, end: usize, count: u32): usize {
  store<u32>(out, <u32>start);
  store<u32>(out, <u32>end, 4);
  store<u32>(out, foreignByte(start, end) < end ? 1 : 0, 8);
  store<u32>(out, count, 12);
  return out + 16 + count * 4;
}

function firstHit(to: usize): usize {
  let first = to;
  for (let i: u32 = 0; i < samplerCount; i++) first = min(first, samplerAt(i).at);
  return first;
}

/** Lists at `out`, unless that is 0, the needles found before `end`, each once, and moves the samplers on. Returns how many. */
function collect(out: usize, end: usize, from: usize, to: usize): u32 {
  let count: u32 = 0;
  line++;
  for (let i: u32 = 0; i < samplerCount; i++) {
    const sampler = samplerAt(i);
    for (; sampler.at < end; sample(sampler, sampler.at + sampler.stride, from, to)) {
      if (out === 0) continue;
      for (let j: u32 = 0; j < sampler.count; j++) {
        const found = load<u32>(sampler.found + j * 4);
        const needle = needleAt(found);
        if (needle.line === line) continue;
        needle.line = line;
        store<u32>(out + count++ * 4, found);
      }
    }
  }
  return count;
}

/** Moves a sampler on to the first block, at or after `at`, of a needle that stands there; to `to` when there is none. */
function sample(sampler: Sampler, at: usize, from: usize, to: usize): void {
  const stride = sampler.stride;
  const mask = sampler.mask;
  const bitmap = sampler.bitmap;
  const last = to - sampler.width;
  for (; <isize>at <= <isize>last; at += stride) {
    const bytes = blockAt(at, mask);
    const hash = hashOf(bytes);
    if (((load<u8>(bitmap + (hash >> 3)) >> <u8>(hash & 7)) & 1) === 0) continue;
    if (!verify(sampler, at, bytes, hash, from, to)) continue;
    sampler.at = at;
    return;
  }
  sampler.at = to;
}

function verify(sampler: Sampler, at: usize, bytes: u32, hash: u32, from: usize, to: usize): bool {
  let count: u32 = 0;
  for (let each = load<usize>(listOf(sampler, hash)); each !== 0; ) {
    const block = changetype<Block>(each);
    each = block.next;
    if (block.bytes !== bytes || from + block.offset > at) continue;
    if (!stands(needleAt(block.needle), at - block.offset, to)) continue;
    store<u32>(sampler.found + count++ * 4, block.needle);
  }
  sampler.count = count;
  return count > 0;
}

function stands(needle: Needle, at: usize, to: usize): bool {
  const length = needle.length;
  const text = needle.text;
  if (at + length > to) return false;
  if (needle.folds) {
    for (let i: usize = 0; i < length; i++) if (lower(load<u8>(at + i)) !== load<u8>(text + i)) return false;
    return true;
  }
  for (let i: usize = 0; i < length; i++) if (load<u8>(at + i) !== load<u8>(text + i)) return false;
  return true;
}

/** Some bytes, their letters in lower case: other bytes may change too, which is of no matter to who compares afterwards. */
// @ts-ignore: decorator
@inline
function blockAt(at: usize, mask: u32): u32 {
  return (load<u32>(at) | 0x20202020) & mask;
}

// @ts-ignore: decorator
@inline
function hashOf(bytes: u32): u32 {
  return (bytes * 0x9e3779b1) >> (32 - HASH_BITS);
}

// @ts-ignore: decorator
@inline
function listOf(sampler: Sampler, hash: u32): usize {
  return sampler.lists + ((hash >> (HASH_BITS - LIST_BITS)) as usize) * sizeof<usize>();
}

// @ts-ignore: decorator
@inline
function needleAt(index: u32): Needle {
  return changetype<Needle>(needles + index * offsetof<Needle>());
}

// @ts-ignore: decorator
@inline
function samplerAt(index: u32): Sampler {
  return changetype<Sampler>(samplers + index * offsetof<Sampler>());
}

// @ts-ignore: decorator
@inline
function lower(byte: u8): u8 {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}

/** The first newline at or after `at`, or `to`. */
function newline(at: usize, to: usize): usize {
  const wanted = i8x16.splat(10);
  for (; at < to; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
    if (found !== 0) return min(at + ctz(found), to);
  }
  return to;
}

/** Where the line of `at` begins: behind the last newline before it, or at `from`. */
function startOfLine(at: usize, from: usize): usize {
  const wanted = i8x16.splat(10);
  while (at >= from + 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at - 16), wanted));
    if (found !== 0) return at - 16 + (32 - clz(found));
    at -= 16;
  }
  while (at > from && load<u8>(at - 1) !== 10) at--;
  return at;
}

/** The first byte from 0x80 on at or after `at`, or `to`. */
function foreignByte(at: usize, to: usize): usize {
  for (; at < to; at += 16) {
    const found = i8x16.bitmask(v128.load(at));
    if (found !== 0) return min(at + ctz(found), to);
  }
  return to;
}
