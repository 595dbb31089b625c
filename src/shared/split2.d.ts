import "split2";

declare module "split2" {
  /** Missing from @types/split2 4.2.3: drop an overlong line and continue, instead of ending with an error. */
  interface Options {
    skipOverflow?: boolean | undefined;
  }
}
