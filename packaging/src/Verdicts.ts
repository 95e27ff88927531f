/** Verdicts of tools that check packages. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { modulesOf } from "./Modules.ts"
import { run } from "./Processes.ts"
import { type Package, ROOT } from "./Workspace.ts"

/** All messages of publint about a tarball, with suggestions. */
export const publintOn = async (tarball: string): Promise<ReadonlyArray<string>> => {
  const bytes = readFileSync(tarball)
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true })
  return messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }) ?? message.code)
}

/**
 * Complaints of `attw` about the types in a tarball, "" for nothing. It does not look behind patterns by itself, so it is given
 * every module. `esm-only`: CommonJS is not checked.
 */
export const attwOn = async (tarball: string, { folder, manifest }: Package): Promise<string> => {
  const modules = modulesOf(folder, { ...manifest, ...manifest.publishConfig })
  // A program: nothing of it is imported.
  if (modules.length === 0) return ""
  const subpaths = modules.map(({ subpath }) => subpath)
  const attw = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js")
  const flags = ["--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"]
  const { code, out, err } = await run(
    process.execPath,
    [attw, tarball, ...flags, "--include-entrypoints", ...subpaths],
    {
      cwd: ROOT
    }
  )
  const unseen = modules.filter(({ specifier }) => !out.includes(`"${specifier}"`))
  if (unseen.length > 0) return `attw did not look at ${unseen[0]?.specifier}:\n${out}${err}`
  return code === 0 ? "" : `${out}${err}`
}
