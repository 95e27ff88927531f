/**
 * Scenarios are data: JSON files under `protocols/<name>/`, one for each section of that protocol's document. Here is
 * their shape; an implementer in any language can read the files themselves.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { isObject } from "../Json.ts"
import { reads } from "./Variables.ts"

/** A scenario file is at fault, and nothing can be said of a server; the message names the scenario and the step. */
export class BadData extends Data.TaggedError("BadData")<{ readonly file: string; readonly message: string }> {}

/** With the file's name in the message. */
export const badData = (file: string, why: string): BadData => new BadData({ file, message: `${file}: ${why}` })

/** Where a step's demand is written: `doc` is a protocol's document or `PROTOCOLS`, `section` a heading as printed. */
export const Source = Schema.Struct({ doc: Schema.String, section: Schema.String })
export type Source = typeof Source.Type

export const Wire = Schema.Literals(["documented", "client-1.0"])
/** A wire form of the same protocol. */
export type Wire = typeof Wire.Type

export const Profile = Schema.Literals(["documented", "hardening"])
/** Whose demand it is: the protocol's document's, or this project's own (leaks, limits, garbage, what is left open). */
export type Profile = typeof Profile.Type

/** `http`: a protocol without connections, whose every step is a request of its own. */
export const Transport = Schema.Literals(["ws", "tcp", "http"])
export type Transport = typeof Transport.Type

const slug = Schema.String.check(Schema.isPattern(/^[a-z0-9]+(-[a-z0-9]+)*$/))

const every = {
  /** The actor whose step this is. */
  by: Schema.String,
  source: Source,
  /** Only in these wire forms; without it, in all. */
  profiles: Schema.optionalKey(Schema.Array(Wire))
}
const checked = { ...every, check: slug }

/** Opens a connection for the actor, a further one if there is one already. */
export const Connect = Schema.Struct({ ...every, connect: Schema.Struct({ query: Schema.optionalKey(Schema.String) }) })

/**
 * Sends a frame. The actor's `sid` is added where a request has none of its own; `"sid": "$absent"` sends none.
 * A frame that is an array is one frame of several requests.
 */
export const Send = Schema.Struct({ ...every, send: Schema.Json })

/** Sends a text as it is; the template gives a string. */
export const Raw = Schema.Struct({ ...every, raw: Schema.Json })

/** Acknowledges delivered packets: one id or an array of them. Nothing answers it. */
export const Ack = Schema.Struct({ ...every, ack: Schema.Json, sid: Schema.optionalKey(Schema.Json) })

/**
 * The next response on the actor's connection to its oldest request that has none yet, or to `to`. Module and method
 * are found without regard to case. What cannot be attributed (`null/null` with a result) counts as the response.
 */
export const Reply = Schema.Struct({
  ...checked,
  reply: Schema.Json,
  to: Schema.optionalKey(Schema.Struct({ module: Schema.String, method: Schema.String }))
})

/**
 * A pushed packet that matches, among those that came and were not used yet, or next. `as` names it; `after` demands
 * that it came later than the one of that name.
 */
export const Push = Schema.Struct({
  ...checked,
  push: Schema.Json,
  as: Schema.optionalKey(Schema.String),
  after: Schema.optionalKey(Schema.String)
})

/** No unused packet matches, once every connected actor, this one last, has had an answer to something asked now. */
export const Quiet = Schema.Struct({ ...checked, quiet: Schema.Json })

/** The request is asked again until its response matches: for effects that no push announces. */
export const Until = Schema.Struct({ ...checked, send: Schema.Json, until: Schema.Json })

/** The actor closes the connection, without a word. */
export const Disconnect = Schema.Struct({ ...every, disconnect: Schema.Literal(true) })

/** The server closes the actor's connection. `code` is checked on WebSocket only. */
export const Closed = Schema.Struct({
  ...checked,
  closed: Schema.Struct({ code: Schema.optionalKey(Schema.Int) })
})

const FormFile = Schema.Struct({ part: Schema.String, name: Schema.String, content: Schema.Json })

/**
 * One HTTP request and what its answer must be. `path` is a template of a string. The body is one of `form` (multipart),
 * `encoded` (`a=1&b=2`; an array repeats its name) and `body`: a text as it is, or JSON, which is then said in the head.
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
  answer: Schema.Struct({
    status: Schema.Json,
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    json: Schema.optionalKey(Schema.Json),
    text: Schema.optionalKey(Schema.Json)
  })
})

/** What earlier steps made known, put together anew, is what it must be; nothing is sent. */
export const That = Schema.Struct({ ...checked, that: Schema.Json, is: Schema.Json })

/** The actor's token or `sid` is past its time from now on: by the account hook, so only where there is one that can. */
export const Expire = Schema.Struct({ ...every, expire: Schema.Literal(true) })

/** Plays one of the protocol's routines for the actor: `login`, `leave`. */
export const Use = Schema.Struct({ ...every, use: Schema.String })

/** Every kind of step, by the field that tells it apart; the first that is there decides. */
export const kinds = {
  connect: Connect,
  until: Until,
  send: Send,
  raw: Raw,
  ack: Ack,
  reply: Reply,
  push: Push,
  quiet: Quiet,
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
  Ack,
  Reply,
  Push,
  Quiet,
  Disconnect,
  Closed,
  Http,
  That,
  Expire,
  Use
])
export type Step = typeof Step.Type

/** Routine steps act for whoever uses them, so they name no actor; `self.` in names is that actor. */
export const Scenario = Schema.Struct({
  /** `<protocol>/<area>/<slug>`. */
  id: Schema.String.check(Schema.isPattern(/^[a-z0-9]+(\/[a-z0-9]+(-[a-z0-9]+)*){2}$/)),
  title: Schema.String,
  /** Logged in before the first step; the name is the role of an account. */
  actors: Schema.Array(Schema.String),
  /** Logged in and out again before the first step, so that their ids are known. */
  away: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Further actors with nothing open yet: name to role. */
  guests: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  transports: Schema.optionalKey(Schema.Array(Transport)),
  /** The wire forms that it is for. */
  profiles: Schema.optionalKey(Schema.Array(Wire)),
  /** `hardening` where all of it is, whatever its steps rest on. */
  profile: Schema.optionalKey(Profile),
  steps: Schema.Array(Step)
})
export type Scenario = typeof Scenario.Type

/** One file of a protocol: the scenarios of one section. */
export const File = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  section: Schema.String,
  scenarios: Schema.Array(Scenario)
}).annotate({ identifier: "Scenarios", title: "Scenarios of the conformance kit" })

/** What all of a protocol's scenarios share. */
export const Protocol = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  protocol: Schema.String,
  title: Schema.String,
  /** Named patterns: `{"$shape": "user", "with": {"id": 3}}`. */
  shapes: Schema.Record(Schema.String, Schema.Json),
  routines: Schema.Record(Schema.String, Schema.Array(Schema.Json)),
  /**
   * A request that every logged-in actor may send at any time and that changes nothing. Without it the protocol has no
   * connections: its transport is `http`, and actors enter by the routine `login` alone.
   */
  barrier: Schema.optionalKey(Schema.Struct({ module: Schema.String, method: Schema.String })),
  /** The pushes that are kept until acknowledged by their id. */
  queue: Schema.optionalKey(Schema.Struct({ module: Schema.String, method: Schema.String }))
})
export type Protocol = typeof Protocol.Type

/** Whether something is prepared before the first step: somebody enters, or a connection is opened. */
const prepares = ({ actors, away, steps }: Scenario): boolean =>
  actors.length + (away?.length ?? 0) > 0 || steps.some((step) => "connect" in step)

/**
 * The checks of a scenario in a wire form, as `<scenario>#<check>`, with those that every scenario has. What no server
 * could fail is none: `setup` where nothing is prepared, `wire` where there are no connections, and a value that the kit
 * makes for itself.
 */
export const checks = (scenario: Scenario, wire: Wire, protocol: Protocol): ReadonlyArray<string> => [
  ...(prepares(scenario) ? [`${scenario.id}#setup`] : []),
  ...scenario.steps.flatMap((step) =>
    "check" in step && (step.profiles === undefined || step.profiles.includes(wire)) && !isMade(step)
      ? [`${scenario.id}#${step.check}`]
      : []
  ),
  ...(protocol.barrier !== undefined && prepares(scenario) ? [`${scenario.id}#wire`] : [])
]

/** Whether the step only makes a value: nothing of the server is in it. */
const isMade = (step: Step): boolean => "that" in step && isObject(step.that) && reads(step.that).size === 0

/** Whose demand a step is: what rests on a protocol's document is documented, everything else is hardening. */
export const profileOf = (scenario: Scenario, step: Step): Profile =>
  scenario.profile ?? (step.source.doc === "PROTOCOLS" ? "hardening" : "documented")

/** The profile of what every scenario has: documented where any of its checks is. */
export const profileOfWhole = (scenario: Scenario): Profile =>
  scenario.profile ??
  (scenario.steps.some((step) => "check" in step && profileOf(scenario, step) === "documented")
    ? "documented"
    : "hardening")
