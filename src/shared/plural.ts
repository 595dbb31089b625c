/** A number and what is counted: `1 ban`, `2 bans`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
