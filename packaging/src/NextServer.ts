/** The recipe for Next.js in a project of its own. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { succeed } from "./Processes.ts"

const RECIPE = fileURLToPath(new URL("../../examples/sessions/next", import.meta.url))
const TALK = fileURLToPath(new URL("../next/talk.js", import.meta.url))
const PACKAGES = ["core", "client", "adapter-node", "adapter-memory", "dialects"]
const NEXT = ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"]

/** Installs the recipe with the packages that it names, from tarballs, and the program that talks through it. */
export const installNextServer = async (
  folder: string,
  { tarball, cache }: { readonly tarball: (name: string) => string; readonly cache: string }
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  cpSync(RECIPE, folder, { recursive: true })
  cpSync(TALK, join(folder, "talk.js"))
  writeFileSync(join(folder, ".env"), "PORT=0\nNEXT_TELEMETRY_DISABLED=1\n")
  const tarballs = PACKAGES.map((name) => tarball(`@parley/${name}`))
  await succeed("npm", ["install", "--no-audit", "--no-fund", "--cache", cache, ...tarballs, ...NEXT], { cwd: folder })
}
