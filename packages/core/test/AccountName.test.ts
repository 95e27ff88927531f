/** Names of accounts. Source: RFC 8265, 3.5 (its examples), RFC 8264, 9, RFC 5893, 2; PROTOCOLS, "Identity". */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Credentials } from "@parley/core/Credentials"
import * as Parley from "@parley/core/Parley"
import { accountForms, enforceAccountName } from "@parley/core/AccountName"
import { Store } from "@parley/core/Store"
import { newAccountProblem } from "@parley/core/User"
import { Users } from "@parley/core/Users"
import { Effect, Layer } from "effect"
import { engineLayer, plainPasswords } from "./harness.ts"

const HEBREW = "\u05d0\u05d1"
const ARABIC = "\u0627\u0628"

describe("an account's name", () => {
  const same: ReadonlyArray<readonly [why: string, text: string, form: string]> = [
    ["ASCII letters", "juliet@example.com", "juliet@example.com"],
    ["letters of both cases", "Juliet", "Juliet"],
    ["sharp s", "fu\u00dfball", "fu\u00dfball"],
    ["one Greek letter", "\u03c0", "\u03c0"],
    ["a final sigma", "\u03c2", "\u03c2"],
    ["Chinese", "张三", "张三"],
    ["full-width letters", "\uff21\uff42\uff11", "Ab1"],
    ["half-width Katakana", "\uff76\uff9e", "\u30ac"],
    ["a decomposed letter", "e\u0301", "\u00e9"],
    ["decomposed Hangul", "\u1112\u1161\u11ab", "\ud55c"],
    ["Hebrew with a digit behind it", `${HEBREW}1`, `${HEBREW}1`],
    ["Arabic with its own digits", `${ARABIC}\u0661`, `${ARABIC}\u0661`],
    ["a middle dot between two l", "col\u00b7laborar", "col\u00b7laborar"],
    ["a Katakana middle dot beside Katakana", "\u30a2\u30fb\u30a2", "\u30a2\u30fb\u30a2"],
    ["an underscore first", "_bot", "_bot"]
  ]
  for (const [why, text, form] of same) {
    it(`may have ${why}`, () => {
      assert.strictEqual(enforceAccountName(text), form)
      assert.strictEqual(enforceAccountName(form), form)
      assert.isUndefined(newAccountProblem(text, 64))
    })
  }

  const refused: ReadonlyArray<readonly [why: string, text: string]> = [
    ["nothing", ""],
    ["a space", "foo bar"],
    ["an ideographic space", "foo\u3000bar"],
    ["a zero-width space", "ann\u200b"],
    ["a zero-width joiner", "ann\u200d"],
    ["a zero-width non-joiner", "ann\u200c"],
    ["a word joiner", "ann\u2060"],
    ["a soft hyphen", "an\u00adn"],
    ["a byte order mark", "\ufeffann"],
    ["a right-to-left override", "ann\u202egnp"],
    ["a left-to-right mark", "ann\u200e"],
    ["an isolate", "\u2066ann\u2069"],
    ["invisible characters only", "\u200b\u2060"],
    ["a Hangul filler", "\u3164"],
    ["a half-width Hangul filler", "\uffa0"],
    ["a variation selector", "ann\ufe0f"],
    ["a tag character", "ann\u{e0061}"],
    ["a combining grapheme joiner", "a\u034fnn"],
    ["a blank of Braille", "\u2800"],
    ["a symbol", "henry\u265a"],
    ["an emoji", "😀"],
    ["a roman numeral", "henry\u2163"],
    ["a ligature", "of\ufb01ce"],
    ["mathematical letters", "\u{1d51e}"],
    ["a circled letter", "\u24d0"],
    ["a superscript", "x\u00b2"],
    ["a private character", "\ue000"],
    ["an unassigned character", "\u0378"],
    ["a noncharacter", "\ufdd0"],
    ["half a surrogate pair", "a\ud800"],
    ["a control character", "a\u0007"],
    ["an Arabic tatweel", `${ARABIC}\u0640`],
    ["old jamo", "\u1113"],
    ["a mark first", "\u0301a"],
    ["a middle dot elsewhere", "a\u00b7b"],
    ["a Greek numeral sign before Latin", "\u0375a"],
    ["a geresh after Latin", "a\u05f3"],
    ["a Katakana middle dot in Latin", "a\u30fbb"],
    ["both kinds of Arabic digits", `${ARABIC}\u0661\u06f1`],
    ["Latin and Hebrew", `a${HEBREW}`],
    ["Hebrew and Latin", `${HEBREW}a`],
    ["a digit before Hebrew", `1${HEBREW}`],
    ["punctuation behind Hebrew", `${HEBREW}-`],
    ["both kinds of digits behind Arabic", `${ARABIC}\u06611`]
  ]
  for (const [why, text] of refused) {
    it(`may not have ${why}`, () => {
      assert.isUndefined(enforceAccountName(text))
      assert.isString(newAccountProblem(text, 64))
    })
  }

  it("rejects separators of accounts, even in full width", () => {
    for (const text of ["a,b", "a\uff0cb", "a\uff1ab", "a\uff0fb", "a\uff06b"]) {
      assert.include(newAccountProblem(text, 64), "must not contain")
    }
  })

  it("is measured in its normalized form", () => {
    assert.isUndefined(newAccountProblem("e\u0301".repeat(32), 64))
    assert.include(newAccountProblem("\u00e9".repeat(65), 64), "at most 64")
  })

  it("of any length is checked quickly", () => {
    assert.deepStrictEqual(accountForms("\u00e9".repeat(100_000)), ["\u00e9".repeat(100_000)])
  })
})

const reasonOf = <A, R>(attempt: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.map(Effect.flip(attempt), ({ reason }) => reason._tag)

const login = Effect.fnUntraced(function* (account: string) {
  const credentials = yield* Credentials
  return (yield* credentials.verify({ account, secret: yield* credentials.md5Secret("long enough"), address: "" }))
    .account
})

describe("accounts that look alike", () => {
  it.effect("are one account: stored in one form, found by all forms, and not added twice", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const [one] = yield* users.add([{ account: "re\u0301ne\u0301", password: "long enough" }])
      assert(one)
      assert.strictEqual(one.account, "r\u00e9n\u00e9")
      for (const account of ["r\u00e9n\u00e9", "re\u0301ne\u0301", "r\u00e9ne\u0301", "\uff52\u00e9n\u00e9"]) {
        assert.strictEqual(yield* login(account), "r\u00e9n\u00e9")
        assert.strictEqual((yield* users.byAccount(account))?.id, one.id)
        assert.strictEqual(yield* reasonOf(users.add([{ account }])), "AccountTaken")
      }
      assert.strictEqual(yield* reasonOf(users.add([{ account: "A" }, { account: "\uff21" }])), "AccountTaken")
      assert.strictEqual(yield* reasonOf(users.add([{ account: "ann\u200b" }])), "Invalid")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("older than this rule stay usable, and cannot be added again in their new form", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const users = yield* Users
      const older = ["re\u0301ne\u0301", "ann\u200b", "\uff42\uff4f\uff42", "😀"]
      const password = yield* (yield* Credentials).hash("long enough")
      yield* store.commit({
        expectedVersions: [],
        writes: older.map((account) => ({
          _tag: "CreateUser",
          user: {
            account,
            realname: "",
            avatar: "",
            role: "",
            dept: 0,
            admin: false,
            organisation: null,
            disabled: false,
            createdAt: 0,
            password
          }
        }))
      })
      for (const account of older) assert.strictEqual(yield* login(account), account)
      assert.strictEqual(yield* login("r\u00e9n\u00e9"), "re\u0301ne\u0301")
      for (const account of ["r\u00e9n\u00e9", "bob"]) {
        assert.strictEqual(yield* reasonOf(users.add([{ account }])), "AccountTaken")
      }
      yield* users.setDisabled("😀", true)
      assert.strictEqual(yield* reasonOf(login("😀")), "WrongPassword")
    }).pipe(Effect.provide(Parley.layer.pipe(Layer.provideMerge(Layer.merge(MemoryStore.layer, plainPasswords)))))
  )
})
