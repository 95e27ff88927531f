import { assert, describe, it } from "@effect/vitest"
import { defaultSettings } from "@parley/core/Settings"
import { Result } from "effect"
import { readUserFile } from "../src/users/csvImport.ts"

/** Settings for tests of the file's form. */
const ANY_PASSWORD = { ...defaultSettings, passwordsMinimum: 0 }

const problems = (csv: string, settings = ANY_PASSWORD): string =>
  Result.match(readUserFile(csv, settings), { onFailure: (text) => text, onSuccess: () => "no problem" })

describe("a file of users", () => {
  it("is read with all its columns", () => {
    const csv = [
      "account,password,realname,admin,org,role,dept,avatar",
      'alice,secret-horse,"Alice, ""the first""",true,7,boss,3,http://x.test/a.png',
      "bob,geheimnis-9,,,,,,"
    ].join("\n")
    assert.deepStrictEqual(Result.getOrThrow(readUserFile(csv)), [
      {
        line: 2,
        draft: {
          account: "alice",
          password: "secret-horse",
          realname: 'Alice, "the first"',
          admin: true,
          organisation: 7,
          role: "boss",
          dept: 3,
          avatar: "http://x.test/a.png"
        }
      },
      {
        line: 3,
        draft: {
          account: "bob",
          password: "geheimnis-9",
          realname: "bob",
          admin: false,
          organisation: null,
          role: "",
          dept: 0,
          avatar: ""
        }
      }
    ])
  })

  it("may have its columns in any order, a byte order mark, CRLF and empty lines", () => {
    const read = Result.getOrThrow(readUserFile("\uFEFFpassword,account\r\n\r\n马到成功-2026, 张三 \r\n"))
    assert.deepStrictEqual(
      read.map(({ line, draft }) => [line, draft.account, draft.password]),
      [[3, "张三", "马到成功-2026"]]
    )
  })

  it("may leave a password empty", () => {
    const read = Result.getOrThrow(readUserFile("account,password,realname\nalice,,Alice\nbob,bobs-horse-2,\n"))
    assert.deepStrictEqual(
      read.map(({ draft }) => "password" in draft),
      [false, true]
    )
  })

  it("may contain hashes instead of passwords, in a separate column", () => {
    const hash = `$argon2id$v=19$m=19456,t=2,p=1$${"A".repeat(22)}$${"A".repeat(43)}`
    const scrypt = `$scrypt$ln=15,r=8,p=3$${"A".repeat(22)}$${"A".repeat(43)}`
    const read = Result.getOrThrow(
      readUserFile(`account,password-hash,password\nalice,"${hash}",\nbob,"${scrypt}",\ncarol,,carols-horse\n`)
    )
    assert.deepStrictEqual(
      read.map(({ draft }) => [draft.password, draft.passwordHash]),
      [
        [undefined, hash],
        [undefined, scrypt],
        ["carols-horse", undefined]
      ]
    )
    const without = "password-hash must be $argon2id$… or $scrypt$… in PHC form"
    const both = "there is a password and a password-hash; one of them must be empty"
    for (const [field, problem] of [
      ["5f4dcc3b5aa765d61d8327deb882cf99", without],
      ["$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", without],
      [hash.replace("m=19456", "m=999999999"), without],
      [hash.replace("t=2", "t=0"), without],
      [hash.replace("m=19456,t=2,p=1", "m=19456"), without]
    ] as const) {
      assert.strictEqual(problems(`account,password-hash\nalice,"${field}"\n`), `line 2: ${problem}`)
    }
    assert.strictEqual(problems(`account,password,password-hash\nalice,alices-horse,"${hash}"\n`), `line 2: ${both}`)
  })

  const wrong: ReadonlyArray<readonly [string, string]> = [
    [
      "",
      "line 1: the first line must name the columns, with account and password or password-hash among them: account,password,password-hash,realname,admin,org,role,dept,avatar"
    ],
    [
      "alice,secret\n",
      "line 1: the first line must name the columns, with account and password or password-hash among them: account,password,password-hash,realname,admin,org,role,dept,avatar"
    ],
    [
      "account,password,email\na,b,c\n",
      'line 1: unknown column "email"; there are account, password, password-hash, realname, admin, org, role, dept, avatar'
    ],
    ["account,password,account\na,b,c\n", "line 1: the column account is there twice"],
    ["account,password\n", "line 1: there are no users below the header"],
    [
      "account,password\na,b\na b,c\n",
      "line 3: account must not contain white space, control characters, ',', ':', '/' or '&'"
    ],
    ["account,password\n,b\n", "line 2: account must not be empty"],
    ["account,password\na,b\nc,d\na,e\n", "line 4: account a is in line 2 already"],
    ["account,password,admin\na,b,maybe\n", 'line 2: admin must be true or false, not "maybe"'],
    [
      "account,password,org,dept\na,b,-1,x\n",
      'line 2: org must be a whole number, not "-1"\nline 2: dept must be a whole number, not "x"'
    ],
    ["account,password\na,b,c\n", "line 2: does not have as many fields as the header"],
    ["account,password\na,b\nc\n", "line 3: does not have as many fields as the header"],
    ['account,password\na,"b\n', "line 2: a quoted field is not closed"]
  ]
  for (const [csv, text] of wrong) {
    it(`is refused: ${JSON.stringify(csv)}`, () => assert.strictEqual(problems(csv), text))
  }

  const spreadsheets: ReadonlyArray<readonly [string, string]> = [
    ["semicolons", "account;password;realname\nalice;a,b;Alice, the first\n"],
    ["tabs", "account\tpassword\trealname\r\nalice\ta,b\tAlice, the first\r\n"],
    [
      "a byte order mark and Excel's separator line",
      '\uFEFFsep=;\r\naccount;password;realname\r\nalice;"a,b";Alice, the first\r\n'
    ],
    [
      "empty columns and rows at the edges",
      ";account;password;realname;;\n;;;;;\n;alice;a,b;Alice, the first;;\n;;;;;\n"
    ],
    ["semicolons in quotes before commas", '"account",password,realname\nalice,"a,b","Alice, the first"\n']
  ]
  for (const [what, csv] of spreadsheets) {
    it(`may have ${what}`, () => {
      const [read] = Result.getOrThrow(readUserFile(csv, ANY_PASSWORD))
      assert.deepInclude(read?.draft, { account: "alice", password: "a,b", realname: "Alice, the first" })
    })
  }

  it("keeps the line numbers of the file if lines are skipped", () => {
    assert.strictEqual(
      problems("sep=;\n\naccount;password;\n;;\na b;x;\nbob;y;stray\nbob;z\n"),
      [
        "line 5: account must not contain white space, control characters, ',', ':', '/' or '&'",
        'line 6: "stray" is in a column without a name',
        "line 7: does not have as many fields as the header"
      ].join("\n")
    )
  })

  it("reports existing accounts, problems of fields and syntax errors together", () => {
    const read = readUserFile(
      'account,password,org\nann,x,\nbob,y,one\ncarol,z\nann,q,\ndave,"d\n',
      ANY_PASSWORD,
      (account) => (account === "ann" ? account : undefined)
    )
    assert(Result.isFailure(read))
    assert.strictEqual(
      read.failure,
      [
        "line 2: account ann exists already",
        'line 3: org must be a whole number, not "one"',
        "line 4: does not have as many fields as the header",
        "line 5: account ann is in line 2 already",
        "line 6: a quoted field is not closed"
      ].join("\n")
    )
  })

  it("reports passwords, invalid accounts and confusable accounts together", () => {
    const file = [
      "account,password,org",
      "ann,12345678,",
      "ben,short,one",
      "car\u200bol,correct-horse-7,",
      "dave-and-me,Dave-And-Me,",
      "\uff45\uff56\uff45,correct-horse-7,",
      "cafe\u0301,correct-horse-7,",
      "frank,,"
    ].join("\n")
    const taken = new Map([
      ["eve", "eve"],
      ["caf\u00e9", "cafe\u0301"]
    ])
    const read = readUserFile(file, defaultSettings, (account) => taken.get(account))
    assert(Result.isFailure(read))
    assert.strictEqual(
      read.failure,
      [
        "line 2: password must not be one of the most common passwords (passwords.minimum)",
        "line 3: password must have at least 8 characters (passwords.minimum)",
        'line 3: org must be a whole number, not "one"',
        "line 4: account must have letters, digits and ASCII punctuation only, none of them invisible or against the direction of the others (RFC 8265, UsernameCasePreserved)",
        "line 5: password must not be the account (passwords.minimum)",
        "line 6: account \uff45\uff56\uff45 is the same as eve, which exists already",
        "line 7: account cafe\u0301 exists already"
      ].join("\n")
    )
  })

  it("reports at most 20 problems", () => {
    const lines = problems(`account,password\n${"a b,c\n".repeat(30)}`).split("\n")
    assert.strictEqual(lines.length, 21)
    assert.strictEqual(lines[20], "and 10 more")
  })
})
