/** The versions of frameworks that the adapters support, each in a project of its own. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { join } from "node:path"
import { type Ended, run, succeed } from "./Processes.ts"
import { ROOT, root } from "./Workspace.ts"

const PROGRAMS = fileURLToPath(new URL("../frameworks", import.meta.url))
const PACKAGES = ["core", "client", "adapter-node", "adapter-memory", "dialects"]

export interface FrameworkProject {
  readonly name: string
  /** The program in `frameworks/`. */
  readonly program: string
  readonly dependencies: ReadonlyArray<string>
  /** Whether the program is TypeScript with decorators, in a folder of its own. */
  readonly compiles?: boolean
}

const nest = (platform: "express" | "fastify", version: string, adapter = version): FrameworkProject => ({
  name: `Nest ${version.split(".", 1)[0]} on ${platform}`,
  program: `nest-${platform}`,
  dependencies: [
    `@nestjs/common@${version}`,
    `@nestjs/core@${version}`,
    `@nestjs/platform-${platform}@${adapter}`,
    "reflect-metadata@0.2.2",
    "rxjs@7.8.2",
    `@types/node@${root.devDependencies["@types/node"]}`
  ],
  compiles: true
})

export const frameworkProjects: ReadonlyArray<FrameworkProject> = [
  { name: "Express 4", program: "express", dependencies: ["express@4.22.3"] },
  { name: "Express 5", program: "express", dependencies: ["express@5.3.0"] },
  { name: "Fastify 5", program: "fastify", dependencies: ["fastify@5.12.8"] },
  { name: "Hono 4", program: "hono", dependencies: ["hono@4.13.19", "@hono/node-server@2.1.8"] },
  nest("express", "11.2.10"),
  nest("fastify", "11.2.10", "11.2.8"),
  nest("express", "12.5.1"),
  nest("fastify", "12.5.1", "12.5.0")
]

/** Installs a project from tarballs, as npm does without flags about peers, and runs its program. */
export const runFrameworkProject = async (
  folder: string,
  { program, dependencies, compiles = false }: FrameworkProject,
  { tarball, cache }: { readonly tarball: (name: string) => string; readonly cache: string }
): Promise<Ended> => {
  mkdirSync(folder, { recursive: true })
  cpSync(PROGRAMS, folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const tarballs = PACKAGES.map((name) => tarball(`@parley/${name}`))
  const flags = ["--no-audit", "--no-fund", "--strict-peer-deps", "--cache", cache]
  await succeed("npm", ["install", ...flags, ...tarballs, ...dependencies], { cwd: folder })
  if (compiles) {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc")
    await succeed(process.execPath, [tsc, "-p", join(folder, "nest")], { cwd: folder })
  }
  return run("node", ["main.js", program], { cwd: folder })
}
