/**
 * The packages as the registry would get them: packed, judged, installed in projects outside the workspace, and run there
 * on the oldest Node that is supported and on the one that runs this. The quick run installs nothing of the registry but that
 * Node, starts programs on it only, and checks the types of one package with each tool.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isFull, share } from "../../scripts/repetitions.ts"
import { build, sourceOf } from "../src/Build.ts"
import { bytesBelow, freshProject, installed, installNodes, required, unpackedProject } from "../src/FreshProject.ts"
import { frameworkProjects, runFrameworkProject } from "../src/Frameworks.ts"
import { deepImports, modulesOf, needsOptional } from "../src/Modules.ts"
import { installNextServer } from "../src/NextServer.ts"
import { pack } from "../src/Pack.ts"
import { run, start, succeed } from "../src/Processes.ts"
import { attwOn, publintOn } from "../src/Verdicts.ts"
import { filesBelow, manifestIn, oldestNode, packages, ROOT, root } from "../src/Workspace.ts"

const place = mkdtempSync(join(tmpdir(), "parley-packages-"))
const full = join(place, "full")
const small = join(place, "small")
const cache = join(place, "cache")
let tarballs: ReadonlyMap<string, string> = new Map()
/** The sources of each package when it was built. */
const written = new Map<string, ReadonlyArray<string>>()
/** The oldest Node on which the kit runs. */
const KIT_NODE = "20.0.0"
let nodes: ReadonlyMap<string, string> = new Map()

const SMALL = ["@parley/adapter-memory", "@parley/core"]

/** Everything that takes the network, once. */
beforeAll(async () => {
  const installing = installNodes(join(place, "nodes"), isFull ? [oldestNode, KIT_NODE] : [oldestNode])
  // It is awaited below, where its failure counts.
  installing.catch(() => {})
  // `npx pnpm run types` checks the types of the sources as well.
  await build({ check: isFull })
  for (const { name, folder } of packages) written.set(name, filesBelow(join(folder, "src")))
  tarballs = await pack(join(place, "tarballs"))
  if (isFull) {
    await freshProject(small, { tarballs: SMALL.map(tarball), cache })
    const types = [`@types/node@${root.devDependencies["@types/node"]}`]
    await freshProject(full, { tarballs: tarballs.values(), others: types, cache })
  } else await unpackedProject(full, { tarballs, others: ["@types/node"] })
  nodes = await installing
}, 300_000)

// The projects have some 100,000 files.
afterAll(() => rmSync(place, { recursive: true, force: true }), 300_000)

const tarball = (name: string): string => {
  const file = tarballs.get(name)
  if (file === undefined) throw new Error(`${name} was not packed`)
  return file
}

/** Folder of a package in the project that has all of them. */
const inFull = (name: string): string => join(full, "node_modules", name)

/** Every module that is exported, as the installed packages have it. */
const exported = () => packages.flatMap(({ name }) => modulesOf(inFull(name), manifestIn(inFull(name))))

/** Every path to a source that is not exported. */
const hidden = () =>
  packages.flatMap(({ name }) => deepImports(inFull(name), manifestIn(inFull(name)), written.get(name) ?? []))

/** Whether it needs a framework that only some users have. */
const forFrameworks = ({ specifier, file }: { readonly specifier: string; readonly file: string }): boolean => {
  const name = specifier.split("/").slice(0, 2).join("/")
  return needsOptional(inFull(name), manifestIn(inFull(name)), file)
}

const nodeOf = (version: string): string => {
  const node = nodes.get(version)
  if (node === undefined) throw new Error(`Node ${version} was not installed`)
  return node
}

const program = (name: string): string => join(full, "node_modules/.bin", name)

describe.each(packages)("the tarball of $name", (one) => {
  const { name, manifest } = one

  it("is as publint wants it", async () => {
    assert.deepEqual(await publintOn(tarball(name)), [])
  })

  it("holds what its sources say now, and nothing else", () => {
    const files = filesBelow(inFull(name)).filter((file) => !file.startsWith("node_modules/"))
    for (const needed of ["README.md", "LICENSE", "package.json"]) assert.include(files, needed)
    const compiled = files.filter((file) => file.startsWith("dist/"))
    const sources = files.filter((file) => file.startsWith("src/"))
    assert.deepEqual(
      sources,
      written.get(name)?.map((file) => `src/${file}`)
    )
    assert.deepEqual(
      compiled.map(sourceOf).filter((file) => !sources.includes(file)),
      []
    )
    for (const source of sources) {
      const stem = source.replace(/^src\//, "dist/").replace(/\.ts$/, "")
      for (const end of [".js", ".js.map", ".d.ts", ".d.ts.map"]) assert.include(compiled, stem + end)
    }
    const known =
      /^(?:bundle|dist|src|json|protocols|requirements|schema)\/|^(?:README\.md|KILLS\.md|LICENSE|package\.json)$/
    assert.deepEqual(
      files.filter((file) => !known.test(file) || /\.test\.|tsbuildinfo/.test(file)),
      []
    )
  })

  it("holds what its page refers to", () => {
    const page = readFileSync(join(inFull(name), "README.md"), "utf8")
    const named = Array.from(page.matchAll(/\]\((?![a-z]+:|\.\.\/|#)([^)#]+)/g), ([, file = ""]) => file)
    assert.deepEqual(
      named.filter((file) => !existsSync(join(inFull(name), file))),
      []
    )
  })

  it("refers to no source from what is compiled", () => {
    const folder = inFull(name)
    const compiled = filesBelow(join(folder, "dist")).filter((file) => /\.(?:js|d\.ts)$/.test(file))
    const refers = /\b(?:from|import)\s*\(?\s*"\.[^"]*\.ts"/
    assert.deepEqual(
      compiled.filter((file) => refers.test(readFileSync(join(folder, "dist", file), "utf8"))),
      []
    )
  })

  it("says what it needs", () => {
    const packed = manifestIn(inFull(name))
    assert.notInclude(JSON.stringify(packed), "workspace:")
    const isBundled = name === "@parley/conformance"
    assert.deepEqual(packed.engines, isBundled ? { node: ">=20.0.0" } : root.engines)
    const entries = modulesOf(inFull(name), packed).map(({ specifier }) => specifier)
    assert.sameMembers(
      entries,
      modulesOf(one.folder, manifest).map(({ specifier }) => specifier)
    )
    assert.sameMembers(Object.keys(packed.exports), Object.keys(manifest.exports))
    assert.deepEqual(Object.keys(packed.bin ?? {}), Object.keys(manifest.bin ?? {}))
    // Two copies of Effect would not share services: a library takes the application's, a program has its own.
    const own = packed.dependencies?.["effect"]
    const peer = packed.peerDependencies?.["effect"]
    // The kit has its own in its bundle, and types of Effect only for those who have it.
    if (isBundled) assert.deepEqual([own, peer], [undefined, `^${root.devDependencies["effect"]}`])
    else if (packed.bin !== undefined) assert.deepEqual([own, peer], [root.devDependencies["effect"], undefined])
    else if (name !== "@parley/client") assert.deepEqual([own, peer], [undefined, `^${root.devDependencies["effect"]}`])
    else assert.deepEqual([own, peer], [undefined, undefined])
  })
})

// It takes longer than all other checks of a tarball.
describe.each(share(packages, 9, 7))("the tarball of $name", (one) => {
  it("has types that are right for each of its modules", async () => {
    assert.strictEqual(await attwOn(tarball(one.name), one), "")
  })
})

describe("a fresh project", () => {
  it("gets the kit with ws and nothing else, and small", async () => {
    const names = ["@parley/conformance", "ws"]
    assert.deepEqual(required(full, ["@parley/conformance"]), names)
    const [kitBytes = 0, wsBytes = 0] = names.map((name) => bytesBelow(inFull(name)))
    assert.isBelow(kitBytes + wsBytes, 5_000_000)
    if (!isFull) return
    const kit = join(place, "kit")
    await freshProject(kit, { tarballs: [tarball("@parley/conformance")], cache })
    assert.deepEqual(installed(kit), names)
    const node = nodeOf(KIT_NODE)
    const program = join(kit, "node_modules/.bin/parley-conformance")
    assert.include(await succeed(program, ["explain", "spark.status"], { cwd: kit, node }), "spark.status")
    assert.match(await succeed(program, ["coverage", "--protocol", "ha"], { cwd: kit, node }), /requirements +[1-9]/)
  })

  it("gets the engine and its storage in memory with effect and nothing else", () => {
    assert.deepEqual(isFull ? installed(small) : required(full, SMALL), [...SMALL, "effect"].toSorted())
    const [core = 0, memory = 0, effect = 0] = ["@parley/core", "@parley/adapter-memory", "effect"].map((name) =>
      bytesBelow(inFull(name))
    )
    console.log(
      `@parley/core, @parley/adapter-memory and effect: ${core + memory + effect} bytes, ` +
        `${core} and ${memory} of them ours; everything: ${bytesBelow(join(full, "node_modules"))}`
    )
    assert.isBelow(core + memory, 5_000_000)
  })

  it.runIf(isFull)("gets one copy of each package, ours all from the tarballs", () => {
    const names = installed(full)
    assert.deepEqual(
      names.filter((name, at) => (name.startsWith("@parley/") || name === "effect") && names.indexOf(name) !== at),
      []
    )
    const lock = JSON.parse(readFileSync(join(full, "package-lock.json"), "utf8")) as {
      readonly packages: Readonly<Record<string, { readonly resolved?: string }>>
    }
    for (const { name } of packages) assert.match(lock.packages[`node_modules/${name}`]?.resolved ?? "", /^file:/)
  })

  it("compiles against the types, strictly, with declarations checked", async () => {
    for (const { name, folder } of packages) {
      const [, example] = /```ts\n(.*?)```/s.exec(readFileSync(join(folder, "README.md"), "utf8")) ?? []
      if (example !== undefined) writeFileSync(join(full, `readme-${name.split("/")[1]}.ts`), example)
    }
    const lines = exported()
      .filter(
        ({ specifier, file }) =>
          !forFrameworks({ specifier, file: file.replace(/^bundle\//, "dist/").replace(/\.js$/, ".d.ts") })
      )
      .map(({ specifier }, at) => `export type * as m${at} from "${specifier}"\n`)
    writeFileSync(join(full, "every-module.ts"), lines.join(""))
    const deep = hidden().map((specifier, at) => `// @ts-expect-error\nexport type * as d${at} from "${specifier}"\n`)
    assert.isAbove(deep.length, 1000)
    writeFileSync(join(full, "no-other-module.ts"), deep.join(""))
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc")
    for (const config of share(["tsconfig.json", "tsconfig.bundler.json"], 2)) {
      const { code, out, err } = await run(process.execPath, [tsc, "-p", join(full, config)], { cwd: full })
      assert.strictEqual(code, 0, config + out + err)
    }
  })
})

const versions = [
  { version: `Node ${oldestNode}`, node: () => nodeOf(oldestNode), is: `v${oldestNode}` },
  { version: `Node ${process.versions.node}`, node: () => process.execPath, is: process.version }
]

describe.each(share(versions, 2))("on $version", ({ node, is }) => {
  const here = () => ({ cwd: full, node: node() })

  it("is what runs here", async () => {
    assert.strictEqual((await succeed("node", ["--version"], here())).trim(), is)
  })

  it("every module can be imported, and required", async () => {
    const modules = exported().filter((module) => !forFrameworks(module))
    const { code, out, err } = await run("node", ["import.js", ...modules.map(({ specifier }) => specifier)], here())
    assert.strictEqual(code, 0, out + err)
  })

  it("nothing else can be imported", async () => {
    writeFileSync(join(full, "hidden.json"), JSON.stringify(hidden()))
    const errors = JSON.parse(await succeed("node", ["hidden.js", "hidden.json"], here())) as Record<string, string>
    // A pattern exports the protocols: within the folder of one, it leads to no file.
    const inProtocol = /^@parley\/dialects\/(?!dist\/|src\/|_\w+\/)/
    for (const [specifier, error] of Object.entries(errors)) {
      const expected = inProtocol.test(specifier) ? "ERR_MODULE_NOT_FOUND" : "ERR_PACKAGE_PATH_NOT_EXPORTED"
      assert.strictEqual(error, expected, specifier)
    }
    for (const path of ["engine/Engine", "src/engine/Engine.ts", "dist/engine/Engine.js"]) {
      assert.property(errors, `@parley/core/${path}`)
    }
  })

  it("two users talk in a server of plain node:http", async () => {
    const { code, out, err } = await run("node", ["embed.js"], here())
    assert.deepEqual({ code, out, err }, { code: 0, out: "ben heard: Hello, Ben\nown page: Your own page.\n", err: "" })
  })

  it.each(["core", "adapter-memory", "adapter-sql", "dialects"])("the README of %s runs", async (name) => {
    const [, example = ""] =
      /```ts\n(.*?)```/s.exec(readFileSync(join(inFull(`@parley/${name}`), "README.md"), "utf8")) ?? []
    const cwd = join(full, `${name}-${is}`)
    mkdirSync(cwd)
    writeFileSync(join(cwd, "example.ts"), example)
    const { code, out, err } = await run("node", ["example.ts"], { cwd, node: node() })
    assert.strictEqual(code, 0, out + err)
    assert.isNotEmpty(out)
  })

  it("the server serves, passes the kit, and stops on SIGTERM", async () => {
    const cwd = join(full, `server-${is}`)
    mkdirSync(cwd)
    const there = { cwd, node: node() }
    // As `npx` finds it; signals go to the program itself.
    assert.match(await succeed("npx", ["--no-install", "parley", "--version"], here()), /\d+\.\d+\.\d+/)
    const server = start(program("parley"), ["serve", "--demo", "--port", "0", "--tcp-port", "0"], there)
    try {
      const [, http = ""] = await server.line(/^listening (http:\S+)/)
      assert.strictEqual((await fetch(`${http}/healthz`)).status, 200)
      const login = await fetch(`${http}/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ account: "alice", password: "123456" })
      })
      assert.strictEqual(login.status, 200)
      assert.hasAnyKeys(await login.json(), ["token"])
      assert.isTrue(existsSync(join(cwd, "data/parley.db")))

      const kit = program("parley-conformance")
      for (const protocol of share(["xuanxuan", "spark", "hisihi", "ha", "youdu"], 5)) {
        assert.include(await succeed(kit, ["list", "--protocol", protocol], there), `${protocol}/`)
      }
      assert.match(await succeed(kit, ["coverage", "--protocol", "spark"], there), /requirements +[1-9]/)
      const some = ["--protocol", "spark", "--only", "spark/start/new", "--url", http]
      assert.match(await succeed(kit, ["run", ...some], there), /^spark over http .*: [1-9]\d* passed, 0 failed/m)
    } finally {
      server.child.kill("SIGTERM")
    }
    const { code, err } = await server.ended
    assert.strictEqual(code, 0, err)
  })
})

// `adapter-node` has the tests of each framework in the workspace.
describe.runIf(isFull).each(frameworkProjects)("$name", (project) => {
  it("installs without flags, and has the chat beside a page of its own", async () => {
    const folder = join(place, project.name.replaceAll(" ", "-"))
    const { code, out, err } = await runFrameworkProject(folder, project, { tarball, cache })
    assert.deepEqual({ code, out, err }, { code: 0, out: "ben heard: Hello, Ben\nown page: Your own page.\n", err: "" })
  }, 300_000)
})

// Next has more than 300 MB.
describe.runIf(isFull)("a custom server of Next.js", () => {
  it("has the chat beside its pages, for the users whom its route handlers sign in", async () => {
    const cwd = join(place, "next")
    await installNextServer(cwd, { tarball, cache })
    const server = start("node", ["--env-file=.env", "server.js"], { cwd })
    try {
      const [, port = ""] = await server.line(/port: (\d+)/)
      const talk = await run("node", ["talk.js", `http://localhost:${port}`], { cwd })
      assert.deepEqual(talk.out.split("\n"), [
        "ben heard: Hello, Ben",
        "unread: 200 1",
        "wrong password: 401",
        `refused: connection, cannot connect to ws://localhost:${port}/im/ws`,
        "refused: login, The account or the password is wrong. The server's `authenticate` recognised no session of this page.",
        "page: 200 true",
        ""
      ])
    } finally {
      server.child.kill("SIGTERM")
    }
    const { code, err } = await server.ended
    assert.strictEqual(code, 0, err)
  }, 600_000)
})
