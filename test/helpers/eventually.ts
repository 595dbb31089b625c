/** Resolves when `isSo`; rejects when it is not within 10 seconds. */
export async function eventually(isSo: () => boolean): Promise<void> {
  for (const start = performance.now(); !isSo(); ) {
    if (performance.now() - start > 10_000) throw new Error("it never came to that");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
