/** Checks of the options of `createParley`, and of the arguments of its methods. */
import type { CommandInput, OperatorCommand } from "@parley/core/Dialect"
import {
  callback,
  check,
  type Check,
  checkArgument,
  fields,
  flag,
  integerFrom,
  list,
  milliseconds,
  nonEmpty,
  optional,
  type Parameters,
  text
} from "@parley/core/Check"
import { engineOptionChecks } from "@parley/core/OptionChecks"
import { isMountPath } from "./mountPath.ts"
import { isProxy, PROXY_DESCRIPTION } from "./trustedProxies.ts"

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const isDialect = (value: unknown): boolean =>
  isObject(value) &&
  typeof Reflect.get(value, "name") === "string" &&
  typeof Reflect.get(value, "open") === "function" &&
  Array.isArray(Reflect.get(value, "settings"))

/** A module of a protocol has it as its export `dialect`. */
const dialectHint = (value: unknown): string | undefined =>
  typeof value === "string" && /^[a-z]+$/.test(value)
    ? `import { dialect } from "@parley/dialects/${value}"`
    : isObject(value) && isDialect(Reflect.get(value, "dialect"))
      ? "pass its export dialect"
      : undefined

const dialect: Check = check("a protocol, as exported by @parley/dialects/xuanxuan and others", isDialect, {
  hint: dialectHint
})

const proxies: Check = list("addresses", nonEmpty)

const proxy: Check = check(
  `a list of ${PROXY_DESCRIPTION.replaceAll("`", '"')}`,
  (value) => typeof value === "string" && isProxy(value)
)

/** Names the whole list for an invalid entry, as the reference server does. */
const trustedProxies: Check = (value) => {
  const problem = proxies(value)
  if (problem !== undefined) return problem
  const invalid: unknown = Array.isArray(value) ? value.find((entry) => proxy(entry) !== undefined) : undefined
  return invalid === undefined ? undefined : proxy(invalid)
}

/** Checks of the options of `createParley`, by name. */
export const parleyOptionChecks = {
  ...engineOptionChecks,
  dialects: list("protocols", dialect),
  path: optional(check('a path such as "/im", without parameters or a query', isMountPath)),
  login: optional(flag),
  trustedProxies: optional(trustedProxies),
  upgradeMiddleware: optional(list("middleware functions", callback)),
  demonstration: optional(flag)
} satisfies Readonly<Record<string, Check>>

const INPUTS: Readonly<Record<CommandInput["kind"], Check>> = {
  text,
  integer: integerFrom(Number.MIN_SAFE_INTEGER),
  boolean: flag
}

/** Checks the inputs of an operator command. Throws a `ParleyError`. */
export const checkInputs = ({ inputs }: Pick<OperatorCommand, "inputs">, given: unknown): void => {
  const checks = inputs.map(({ name, kind, required }): [string, Check] => [
    name,
    required ? INPUTS[kind] : optional(INPUTS[kind])
  ])
  checkArgument(
    "operate",
    "inputs",
    fields("an object with the inputs of the command", Object.fromEntries(checks)),
    given
  )
}

/** Methods of `Parley` beside those of `ParleyEngine`. */
export const parleyParameters: { readonly rejecting: Readonly<Record<string, Parameters>> } = {
  rejecting: {
    listenTcp: [["address", fields("an address { host, port }", { host: nonEmpty, port: integerFrom(0, 65_535) })]],
    operate: [["path", text]],
    // A signal's name or an exit code, as a listener of the process gets it, is ignored.
    close: [
      [
        "options",
        (value) => (isObject(value) ? fields("an object", { drain: optional(milliseconds) })(value) : undefined)
      ]
    ]
  }
}

const isParley = (value: unknown): boolean =>
  isObject(value) && ["node", "fetch"].some((name) => typeof Reflect.get(value, name) === "function")

const parley: Check = check("a Parley instance", isParley, {
  hint: (value) =>
    isObject(value) && typeof Reflect.get(value, "then") === "function" ? "await createParley(…)" : undefined
})

/** Checks that a framework's adapter `of` gets a Parley instance. Throws a `ParleyError`. */
export const checkParley = (of: string, given: unknown): void => checkArgument(of, "parley", parley, given)
