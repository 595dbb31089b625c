const NEWLINE = 10;

/**
 * Cuts bytes into lines on demand: nothing is read while a line is being processed. (split2 would queue all lines of a chunk,
 * and it does not check the length of a line that arrives in one chunk.)
 *
 * @throws RangeError when a line is longer than `maxBytes`
 */
export async function* linesOf(input: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      if (end > maxBytes) break;
      yield rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > maxBytes) throw new RangeError(`a line is longer than ${maxBytes} bytes`);
  }
  if (rest.length > 0) yield rest.toString("utf8");
}
