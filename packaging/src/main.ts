/** Builds and packs everything: `node packaging/src/main.ts <folder>`. Its output is published as it is. */
import { statSync } from "node:fs"
import { build } from "./Build.ts"
import { pack } from "./Pack.ts"

const [folder = "tarballs"] = process.argv.slice(2)
await build()
for (const file of (await pack(folder)).values()) console.log(`${String(statSync(file).size).padStart(8)} ${file}`)
