/** The command line. The quick run starts a process for a share of the cases, and runs the others in its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { share } from "../../../scripts/repetitions.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, run } from "./serverProcess.ts"

/** Commands that use standard input are run as processes. */
const readsInput = (args: ReadonlyArray<string>): boolean =>
  args.join(" ") === "user add alice" || args.at(-1) === "http://127.0.0.1:1"

/** Runs a case of a table, in a process if it is of the share. */
const runner = <A extends readonly [ReadonlyArray<string>, ...ReadonlyArray<unknown>]>(cases: ReadonlyArray<A>) => {
  const processes = new Set(share(cases, 8))
  return (one: A, cwd: string, environment: Readonly<Record<string, string>> = {}) =>
    processes.has(one) || readsInput(one[0])
      ? run(cwd, one[0], "", { ...environment })
      : runInProcess(cwd, one[0], environment)
}

describe("help", () => {
  const helps: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
    [["--help"], ["serve", "user", "chat", "--help", "--version"]],
    [
      ["serve", "--help"],
      [
        "--host",
        "--port",
        "--tcp-port",
        "--database",
        "--files",
        "--demo",
        "--no-demo",
        "--config",
        "--set",
        "PARLEY_HOST",
        "PARLEY_PORT",
        "PARLEY_TCP_PORT",
        "PARLEY_DATABASE",
        "PARLEY_FILES",
        "PARLEY_DEMO",
        "PARLEY_CONFIG",
        "127.0.0.1",
        "8080",
        "8081",
        "sqlite:./data/parley.db",
        "./data/files"
      ]
    ],
    [
      ["--help"],
      [
        "Copy the database",
        "Explain why an operation is allowed or refused",
        "Keys of apps that may use the ha protocol",
        "Apps of the hisihi protocol",
        "Classes of the hisihi protocol",
        "Apps that may use the youdu protocol"
      ]
    ],
    [
      ["user", "--help"],
      ["add", "list", "passwd", "disable", "enable", "import"]
    ],
    [
      ["user", "add", "--help"],
      ["<account>", "--password", "--realname", "--admin", "--org"]
    ],
    [
      ["chat", "--help"],
      ["--as", "--url", "--password", "http://127.0.0.1:8080"]
    ]
  ]
  const runHelp = runner(helps)
  for (const help of helps) {
    const [args, words] = help
    it.live(`parley ${args.join(" ")}`, () =>
      Effect.gen(function* () {
        const { code, out, err } = yield* runHelp(help, yield* folder)
        assert.strictEqual(err, "")
        assert.strictEqual(code, 0)
        for (const word of words) assert.include(out, word)
      }).pipe(Effect.scoped)
    )
  }

  it.live("parley --version", () =>
    Effect.gen(function* () {
      const { code, out } = yield* run(yield* folder, ["--version"])
      assert.strictEqual(code, 0)
      assert.match(out, /\d+\.\d+\.\d+/)
    }).pipe(Effect.scoped)
  )
})

describe("a usage error is one line", () => {
  const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, string, Record<string, string>?]> = [
    [["frob"], 'Unknown subcommand "frob" for "parley". See parley --help'],
    [["serve", "--prot", "1"], "Unrecognized flag: --prot"],
    [["serve", "extra"], 'Unexpected positional argument: "extra". See parley serve --help'],
    [["serve", "--port", "x"], '--port must be an integer from 0 to 65535, not "x"'],
    [["serve"], 'PARLEY_LIMITS_FRAME must be an integer from 1024 to 67108864, not "x"', { PARLEY_LIMITS_FRAME: "x" }],
    [
      ["serve", "--database", "mysql://u:secret@h/d"],
      "database must be sqlite:<path>, postgres://<user>:<password>@<host>/<database> or memory:, not mysql:"
    ],
    [["serve", "--config", "none.json"], "none.json: there is no such file"],
    [["serve", "--config", "broken.json"], "broken.json: is not JSON: "],
    [["serve", "--config", "typo.json"], 'typo.json: unknown key "prot", did you mean port?'],
    [["serve"], 'typo.json: unknown key "prot", did you mean port?', { PARLEY_CONFIG: "typo.json" }],
    [["serve", "--port", "0", "--tcp-port", "off", "--database", "sqlite:./text.db"], "text.db is not a database"],
    [["serve", "--port", "0", "--tcp-port", "off", "--database", "sqlite:./folder"], "./folder cannot be opened"],
    [
      ["serve", "--set", "sessions"],
      'Invalid value for flag --set: "sessions". Expected: key=value. See parley serve --help'
    ],
    [["class", "add", "x"], 'Invalid value for argument <id>: "x". Expected: an integer. See parley class add --help'],
    [
      ["user", "add", "a", "--org", "1.5"],
      'Invalid value for flag --org: "1.5". Expected: an integer. See parley user add'
    ],
    [["user", "add"], "Missing required argument: account. See parley user add --help"],
    [["user", "add", "alice"], "no password: give --password, or one line on standard input"],
    [["user", "list", "--database", "memory:"], "commands cannot reach a database in memory"],
    [["user", "list"], "there is no database /"],
    [["user", "import", "none.csv"], "none.csv does not exist"],
    [["user", "import", "latin.csv"], 'latin.csv is not in UTF-8; save it as "CSV UTF-8"'],
    [["user", "import", "bad.csv", "--create"], "line 2: account must not be empty"],
    [["chat"], "Missing required flag: --as. See parley chat --help"],
    [["chat", "--as", "alice", "--url", "ftp://x"], "--url must be an http or ws URL, not ftp://x"],
    [["chat", "--as", "alice", "--url", "http://127.0.0.1:1"], "cannot connect to ws://127.0.0.1:1/ws"]
  ]
  const runWrong = runner(wrong)
  for (const one of wrong) {
    const [args, text, environment = {}] = one
    it.live(`${Object.entries(environment).join(" ")} parley ${args.join(" ")}`, () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        writeFileSync(join(cwd, "broken.json"), "{")
        writeFileSync(join(cwd, "typo.json"), '{"prot": 1}')
        writeFileSync(join(cwd, "text.db"), "This is no database, however long one looks at it. ".repeat(100))
        writeFileSync(join(cwd, "latin.csv"), Buffer.from("account,password\nj\xfcrgen,x\n", "latin1"))
        writeFileSync(join(cwd, "bad.csv"), "account,password\n,correct-horse-7\n")
        mkdirSync(join(cwd, "folder"))
        const { code, out, err } = yield* runWrong(one, cwd, environment)
        assert.strictEqual(out, "")
        assert.isTrue(err.startsWith("parley: "), err)
        assert.include(err, text)
        assert.strictEqual(err.indexOf("\n"), err.length - 1)
        assert.notInclude(err, "secret")
        assert.strictEqual(code, 1)
      }).pipe(Effect.scoped)
    )
  }
})
