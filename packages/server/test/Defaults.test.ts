/** Every default in the documented behaviour of the protocols has a setting: a key of the file and a variable. */
import { assert, describe, it } from "@effect/vitest"
import type { Setting } from "@parley/core/Settings"
import { engineSettings, integer, integerIn } from "@parley/core/Settings"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import { loadDialects } from "../src/protocols.ts"
import { configure, declarations, type ConfigurationSources } from "../src/config/Configuration.ts"

const KIB = 1024
const MIB = 1024 * KIB

/** Description, key, variable and value of each default. */
const defaults: ReadonlyArray<readonly [string, string, string, string | number]> = [
  // Shared by all five.
  ["characters of an account", "limits.account", "PARLEY_LIMITS_ACCOUNT", 64],
  ["a session's life without use", "session.idle", "PARLEY_SESSION_IDLE", 24 * 60 * 60],
  ["where the reference server listens", "host", "PARLEY_HOST", "127.0.0.1"],
  ["whose X-Forwarded-For is believed", "trustedProxies", "PARLEY_TRUSTED_PROXIES", ""],
  // xuanxuan.
  ["seconds between pings", "connection.ping", "PARLEY_CONNECTION_PING", 30],
  ["bytes of a frame", "limits.frame", "PARLEY_LIMITS_FRAME", MIB],
  [
    "the profile of WebSocket connections",
    "xuanxuan.websocketProfile",
    "PARLEY_XUANXUAN_WEBSOCKET_PROFILE",
    "documented"
  ],
  ["the profile of raw TCP connections", "xuanxuan.tcpProfile", "PARLEY_XUANXUAN_TCP_PROFILE", "client-1.0"],
  ["one live login of a user, or several", "sessions", "PARLEY_SESSIONS", "single"],
  ["the short grace of a connection taken over", "session.takeoverGrace", "PARLEY_SESSION_TAKEOVER_GRACE", 500],
  ["bytes of a content", "limits.content", "PARLEY_LIMITS_CONTENT", 64 * KIB],
  ["messages of a whole history", "limits.history", "PARLEY_LIMITS_HISTORY", 10_000],
  ["how far behind acknowledgements are written", "acknowledge.delay", "PARLEY_ACKNOWLEDGE_DELAY", 500],
  ["bytes of a file", "limits.file", "PARLEY_LIMITS_FILE", 50 * MIB],
  // spark.
  ["attributes of a chat", "limits.attributesPerChat", "PARLEY_LIMITS_ATTRIBUTES_PER_CHAT", 64],
  ["bytes of an attribute", "limits.attribute", "PARLEY_LIMITS_ATTRIBUTE", 4 * KIB],
  ["bytes of an attribute's key", "spark.key", "PARLEY_SPARK_KEY", 255],
  // hisihi.
  ["who may ask", "hisihi.auth", "PARLEY_HISIHI_AUTH", "auto"],
  ["groups on a page", "hisihi.perPage", "PARLEY_HISIHI_PER_PAGE", 20],
  ["groups on a page, at most", "hisihi.maxPerPage", "PARLEY_HISIHI_MAX_PER_PAGE", 1000],
  // ha.
  ["messages in a list", "ha.limit", "PARLEY_HA_LIMIT", 20],
  ["messages in a list, at most", "ha.maxLimit", "PARLEY_HA_MAX_LIMIT", 100],
  // youdu.
  ["seconds of an app's token", "youdu.tokenExpiry", "PARLEY_YOUDU_TOKEN_EXPIRY", 7200],
  ["the token of the configuration", "youdu.token", "PARLEY_YOUDU_TOKEN", ""],
  ["characters of a title", "youdu.title", "PARLEY_YOUDU_TITLE", 64],
  ["characters of a creator", "youdu.account", "PARLEY_YOUDU_ACCOUNT", 64],
  ["members of a session, at least", "youdu.minMembers", "PARLEY_YOUDU_MIN_MEMBERS", 3]
]

const dialectSettings: ReadonlyArray<Setting> = (await loadDialects()).flatMap(({ settings }) => settings)
const declared = new Map(declarations(dialectSettings).map((declaration) => [declaration.key, declaration]))
const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8")

const refused = (given: Partial<ConfigurationSources>): string =>
  Result.match(configure(dialectSettings, { flags: {}, environment: {}, file: undefined, ...given }), {
    onFailure: (line) => line,
    onSuccess: () => "no problem"
  })

describe("every default has a key, a variable and a line in the documentation", () => {
  for (const [what, key, environment, value] of defaults) {
    it(`${what}: ${key}`, () => {
      const declaration = declared.get(key)
      assert.deepInclude({ ...declaration }, { key, environment, default: value })
      const row = page.split("\n").find((line) => line.startsWith(`| \`${key}\``)) ?? `no row of ${key}`
      assert.include(row, `\`${environment}\``)
    })
  }
})

describe("a number out of its bounds is refused in one line, from every source", () => {
  for (const setting of [...Object.values(engineSettings), ...dialectSettings]) {
    if (setting.kind !== "integer") continue
    it(`${setting.key}`, () => {
      const { key, min, max } = setting
      assert.isTrue(setting.default >= min && setting.default <= max, "the default is out of its own bounds")
      const accepts = declared.get(key)?.accepts ?? ""
      const { environment = "" } = declared.get(key) ?? {}
      for (const wrong of [min - 1, max + 1]) {
        assert.strictEqual(
          refused({ environment: { [environment]: String(wrong) } }),
          `${environment} must be ${accepts}, not "${wrong}"`
        )
        assert.strictEqual(
          refused({ file: { name: "parley.json", content: { [key]: wrong } } }),
          `parley.json: ${key} must be ${accepts}, not ${wrong}`
        )
      }
    })
  }
})

describe("a protocol's number from an embedder", () => {
  const limit = integer("ha.limit", 20, { min: 1, max: 100 }, "")

  it("has its default if it is absent", () => {
    assert.strictEqual(integerIn({}, limit), 20)
    assert.strictEqual(integerIn({ "ha.limit": 100 }, limit), 100)
  })

  for (const wrong of [0, 101, 1.5, Number.NaN, "20", true]) {
    it(`is refused by its key: ${String(wrong)}, a ${typeof wrong}`, () =>
      assert.throws(() => integerIn({ "ha.limit": wrong }, limit), /^ha\.limit must be an integer from 1 to 100, not /))
  }
})

it("acknowledgements are written within a second", () => {
  assert.strictEqual(engineSettings.acknowledgeDelay.max, 1000)
})
