/** A reporter for `node --test` that tells each test that failed, once more, behind all the others: where a long log is cut, its end is kept. */
export default async function* failures(events) {
  const failed = [];
  for await (const { type, data } of events) {
    if (type !== "test:fail" || data.details.error.failureType === "subtestsFailed") continue;
    const error = String(data.details.error.cause ?? data.details.error).slice(0, 2000);
    failed.push(`failed: ${data.name} (${data.file})\n${error}\n`);
  }
  yield* failed;
}
