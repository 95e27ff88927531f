/**
 * The data model of scenarios: files under `protocols/<name>/`, one for each section of that protocol's document. The
 * published package has them as JSON in `json/`, for readers in any language.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { isObject } from "../Json.ts"
import { reads } from "../match/Variables.ts"

/** A malformed scenario file; the message names the scenario and the step. */
export class BadData extends Data.TaggedError("BadData")<{
  /** Path of the file. */
  readonly file: string
  /** The file and its problem, for a person. */
  readonly message: string
}> {}

/** An error with the file's name in its message. */
export const badData = (file: string, why: string): BadData => new BadData({ file, message: `${file}: ${why}` })

/**
 * The source of a step: a protocol's document and a heading as printed, or `hardening` or `parley` and the id of a rule
 * without that word.
 */
export const Source = Schema.Struct({ doc: Schema.String, section: Schema.String })
export type Source = typeof Source.Type

export const Wire = Schema.Literals(["documented", "client-1.0"])
/** A wire form of the same protocol. */
export type Wire = typeof Wire.Type

export const Profile = Schema.Literals(["documented", "hardening", "parley"])
/**
 * `documented`: demanded by the protocol's document. `hardening`: a rule of this kit about what the document leaves open
 * (leaks, malformed input, limits). `parley`: what only this project's server promises.
 */
export type Profile = typeof Profile.Type

export const Feature = Schema.Literals(["files", "queue", "client-1.0"])
/** An optional part of a protocol. */
export type Feature = typeof Feature.Type

export const Fact = Schema.Literals(["organization"])
/** Data of the target that no request can prepare, so that the tester names it. */
export type Fact = typeof Fact.Type

/** The variables of a fact. `organization.contacts` are patterns of its users among the contacts. */
export const factVariables: { readonly [fact in Fact]: ReadonlyArray<string> } = {
  organization: ["organization.id", "organization.contacts"]
}

/** `http`: a protocol without connections; every step is a request. */
export const Transport = Schema.Literals(["ws", "tcp", "http"])
export type Transport = typeof Transport.Type

const slug = Schema.String.check(Schema.isPattern(/^[a-z0-9]+(-[a-z0-9]+)*$/))

const every = {
  /** The actor of the step. */
  by: Schema.String,
  source: Source,
  /** The wire forms of the step; all by default. */
  profiles: Schema.optionalKey(Schema.Array(Wire))
}

export const Role = Schema.Literals(["setup", "cleanup"])
/**
 * A step that is not a check. `setup` prepares later steps: only its status or result and its captured values count, and
 * if it fails, later checks that pass are not testable. `cleanup` restores something, and nothing depends on it.
 */
export type Role = typeof Role.Type

const checked = {
  ...every,
  check: slug,
  role: Schema.optionalKey(Role),
  /**
   * The step whose request is accepted although it differs from this refused one in one thing only. If that request is
   * not accepted, this refusal proves nothing and is not testable.
   */
  unlike: Schema.optionalKey(slug)
}

/** Opens a connection for the actor, in addition to earlier ones. */
export const Connect = Schema.Struct({ ...every, connect: Schema.Struct({ query: Schema.optionalKey(Schema.String) }) })

/**
 * Sends a frame. Adds the actor's `sid` to a request without one; `"sid": "$absent"` sends none. An array is one frame of
 * several requests.
 */
export const Send = Schema.Struct({ ...every, send: Schema.Json })

/** Sends a text unchanged; the template gives a string. */
export const Raw = Schema.Struct({ ...every, raw: Schema.Json })

/**
 * Sends WebSocket frames as they are, also forbidden ones: objects with `opcode`, `fin`, `rsv`, `mask`, and `text` or
 * `json`, of which `from` and `to` select bytes; U+FFFD in it becomes a byte that is not UTF-8.
 */
export const Frames = Schema.Struct({ ...every, frames: Schema.Json })

/** Acknowledges delivered packets: one id or an array of them. It has no response. */
export const Ack = Schema.Struct({ ...every, ack: Schema.Json, sid: Schema.optionalKey(Schema.Json) })

/**
 * The next response on the actor's connection to its oldest request without one, or to `to`. Compares module and method
 * without regard to case. A response without attribution (`null/null` with a result) counts.
 */
export const Reply = Schema.Struct({
  ...checked,
  reply: Schema.Json,
  to: Schema.optionalKey(Schema.Struct({ module: Schema.String, method: Schema.String }))
})

/**
 * A pushed packet that matches, among the unused ones or the next to arrive. `as` names it; `after` requires that it
 * arrived later than the one of that name.
 */
export const Push = Schema.Struct({
  ...checked,
  push: Schema.Json,
  as: Schema.optionalKey(Schema.String),
  after: Schema.optionalKey(Schema.String)
})

/** No unused packet matches after a barrier of every connected actor, this one last. */
export const Quiet = Schema.Struct({ ...checked, quiet: Schema.Json })

/**
 * Takes every packet that the actor has received after a barrier of every connected actor: later steps do not see them.
 * For packets that may arrive and need not.
 */
export const Drain = Schema.Struct({ ...every, drain: Schema.Literal(true) })

/** Repeats the request until its response matches, for effects without a push. */
export const Until = Schema.Struct({ ...checked, send: Schema.Json, until: Schema.Json })

/** The actor closes the connection without logging out. */
export const Disconnect = Schema.Struct({ ...every, disconnect: Schema.Literal(true) })

/** The server closes the actor's connection. `code` is checked on WebSocket only. */
export const Closed = Schema.Struct({
  ...checked,
  closed: Schema.Struct({ code: Schema.optionalKey(Schema.Int) })
})

/** `content`: U+DC80 to U+DCFF in it become the bytes 80 to ff, which are not UTF-8; `text` of a response has them alike. */
const FormFile = Schema.Struct({ part: Schema.String, name: Schema.String, content: Schema.Json })

/**
 * One HTTP request and its expected response. `path` is a template of a string. The body is one of `form` (multipart),
 * `encoded` (`a=1&b=2`; an array repeats its name) and `body`: a text, or JSON with its content type.
 */
export const Http = Schema.Struct({
  ...checked,
  http: Schema.Struct({
    method: Schema.Literals(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    path: Schema.Json,
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    form: Schema.optionalKey(
      Schema.Struct({ fields: Schema.Record(Schema.String, Schema.Json), files: Schema.Array(FormFile) })
    ),
    encoded: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    body: Schema.optionalKey(Schema.Json)
  }),
  /** Repeats the request this many times, until one does not pass. */
  times: Schema.optionalKey(Schema.Int),
  /** Consecutive steps with it send their requests at once. */
  racing: Schema.optionalKey(Schema.Literal(true)),
  answer: Schema.Struct({
    status: Schema.Json,
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    json: Schema.optionalKey(Schema.Json),
    text: Schema.optionalKey(Schema.Json)
  })
})

/** Compares a value built from variables with a pattern. Sends nothing. */
export const That = Schema.Struct({ ...checked, that: Schema.Json, is: Schema.Json })

/** Expires the actor's token or `sid` through the account hook, if the hook supports it. */
export const Expire = Schema.Struct({ ...every, expire: Schema.Literal(true) })

/** Runs one of the protocol's routines for the actor: `login`, `leave`. */
export const Use = Schema.Struct({ ...every, use: Schema.String })

/** Every kind of step by its distinguishing field; the first that is present decides. */
export const kinds = {
  connect: Connect,
  until: Until,
  send: Send,
  raw: Raw,
  frames: Frames,
  ack: Ack,
  reply: Reply,
  push: Push,
  quiet: Quiet,
  drain: Drain,
  disconnect: Disconnect,
  closed: Closed,
  http: Http,
  that: That,
  expire: Expire,
  use: Use
} as const

export const Step = Schema.Union([
  Connect,
  Until,
  Send,
  Raw,
  Frames,
  Ack,
  Reply,
  Push,
  Quiet,
  Drain,
  Disconnect,
  Closed,
  Http,
  That,
  Expire,
  Use
])
export type Step = typeof Step.Type

/**
 * A scenario. Steps of routines name no actor; `self.` in variable names stands for the actor that uses the routine.
 */
export const Scenario = Schema.Struct({
  /** `<protocol>/<area>/<slug>`. */
  id: Schema.String.check(Schema.isPattern(/^[a-z0-9]+(\/[a-z0-9]+(-[a-z0-9]+)*){2}$/)),
  title: Schema.String,
  /** Logged in before the first step; the name is the role of an account. */
  actors: Schema.Array(Schema.String),
  /** Logged in and out again before the first step, so that their ids are known. */
  away: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Further actors that are not logged in: name to role. */
  guests: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  transports: Schema.optionalKey(Schema.Array(Transport)),
  /** The wire forms of the scenario; all by default. */
  profiles: Schema.optionalKey(Schema.Array(Wire)),
  /** The features without which it is not applicable. */
  needs: Schema.optionalKey(Schema.Array(Feature)),
  /** The facts without which it is not applicable. */
  facts: Schema.optionalKey(Schema.Array(Fact)),
  /** Overrides the profile of all its checks. */
  profile: Schema.optionalKey(Profile),
  steps: Schema.Array(Step)
})
export type Scenario = typeof Scenario.Type

/** A file with the scenarios of one section. */
export const File = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  section: Schema.String,
  scenarios: Schema.Array(Scenario)
}).annotate({ identifier: "Scenarios", title: "Scenarios of the conformance kit" })

/** Parts that all scenarios of a protocol share. */
export const Protocol = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  protocol: Schema.String,
  title: Schema.String,
  /** Named patterns: `{"$shape": "user", "with": {"id": 3}}`. */
  shapes: Schema.Record(Schema.String, Schema.Json),
  routines: Schema.Record(Schema.String, Schema.Array(Schema.Json)),
  /**
   * A request that every logged-in actor may send at any time and that changes nothing. A protocol without it has no
   * connections: its transport is `http`, and the routine `login` alone logs actors in.
   */
  barrier: Schema.optionalKey(Schema.Struct({ module: Schema.String, method: Schema.String })),
  /** The pushes that are kept until acknowledged by their id. */
  queue: Schema.optionalKey(Schema.Struct({ module: Schema.String, method: Schema.String }))
})
export type Protocol = typeof Protocol.Type

/** Whether a scenario logs in actors, opens a connection or has steps of a set-up. */
const prepares = ({ actors, away, steps }: Scenario): boolean =>
  actors.length + (away?.length ?? 0) > 0 ||
  steps.some((step) => "connect" in step || ("check" in step && step.role === "setup"))

/**
 * The checks of a scenario in a wire form, as `<scenario>#<check>`, with those that every scenario has. Excludes checks
 * that no server can fail: `setup` without preparation, `wire` without connections, and values of the kit's own.
 */
export const checks = (scenario: Scenario, wire: Wire, protocol: Protocol): ReadonlyArray<string> => [
  ...(prepares(scenario) ? [`${scenario.id}#setup`] : []),
  ...scenario.steps.flatMap((step) =>
    isCheck(step) && (step.profiles === undefined || step.profiles.includes(wire))
      ? [`${scenario.id}#${step.check}`]
      : []
  ),
  ...(protocol.barrier !== undefined && prepares(scenario) ? [`${scenario.id}#wire`] : []),
  ...(scenario.profile === "parley" ? [] : [`${scenario.id}#secrets`])
]

/** The checks that every scenario may have beside those of its steps. */
export const generalChecks: ReadonlyArray<string> = ["setup", "wire", "secrets"]

/** The source of the check `secrets`. */
export const secretsSource = { doc: "hardening", section: "shared.secrets" } as const

/** Whether the step only builds a value without anything of the server. */
const isMade = (step: Step): boolean => "that" in step && isObject(step.that) && reads(step.that).size === 0

/** A step with a verdict of its own. */
export type Check = Extract<Step, { readonly check: string }>

/** Whether a step has a verdict: steps that prepare or restore something have none. */
export const isCheck = (step: Step): step is Check => "check" in step && step.role === undefined && !isMade(step)

/** The profile of a step, from its source. */
export const profileOf = (scenario: Scenario, { source: { doc } }: Step): Profile =>
  scenario.profile ?? (doc === "hardening" || doc === "parley" ? doc : "documented")

/** Whether a check of one of the scenario's steps belongs to the profile. */
export const hasStepsOf = (scenario: Scenario, profile: Profile | "all"): boolean =>
  profile === "all" || scenario.steps.some((step) => isCheck(step) && profileOf(scenario, step) === profile)

const profiles = ["documented", "hardening", "parley"] as const

/** The profile of `setup` and `wire`: the first among those of the scenario's checks. */
const profileOfWhole = (scenario: Scenario): Profile => {
  const found = new Set(scenario.steps.filter(isCheck).map((step) => profileOf(scenario, step)))
  return scenario.profile ?? profiles.find((one) => found.has(one)) ?? "documented"
}

/** The profile of a check by its name; `step` is undefined for a check of the whole scenario. */
export const profileOfCheck = (scenario: Scenario, check: string, step: Step | undefined): Profile => {
  if (step !== undefined) return profileOf(scenario, step)
  return check === "secrets" ? secretsSource.doc : profileOfWhole(scenario)
}
