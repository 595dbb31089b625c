import { fileURLToPath } from "node:url";

/** The package's folder, from the compiled tests. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
