/** Prints steps in the form that `src/sources/StepText.ts` reads. */
import { isObject, type Json, type JsonObject } from "../../src/Json.ts"
import { asText, type Printed, printTop, wrap } from "./printValue.ts"

/** The longest line, in characters, that an HTTP request shares with its response. */
const lineLength = 100

const operation = (value: JsonObject): string | undefined => {
  const { module, method } = value
  if (typeof module !== "string" || typeof method !== "string") return undefined
  return /^[A-Za-z]+$/.test(module) && /^[A-Za-z]+$/.test(method) ? `${module}/${method}` : undefined
}

const options = (names: Printed, value: JsonObject, ...keys: ReadonlyArray<string>): string =>
  keys
    .map((key) => value[key])
    .map((option, index) => (option === undefined ? "" : ` ${keys[index]} ${printTop(option, names)}`))
    .join("")

const shortFrames = ["module,method", "module,method,params", "module,method,sid", "module,method,params,sid"]

const frame = (value: Json, names: Printed): string => {
  if (!isObject(value) || !shortFrames.includes(Object.keys(value).join())) return printTop(value, names)
  const name = operation(value)
  const { params } = value
  if (name === undefined) return printTop(value, names)
  return `${name}${params === undefined ? "" : ` ${printTop(params, names)}`}${options(names, value, "sid")}`
}

const response = (answer: JsonObject, names: Printed): string => {
  const { status = null, json } = answer
  const body = json === undefined ? "" : ` ${printTop(json, names)}`
  return `=> ${printTop(status, names)}${options(names, answer, "headers")}${body}${options(names, answer, "text")}`
}

const http = (request: JsonObject, answer: JsonObject, names: Printed): string => {
  const { method, path = null } = request
  const asked = `${asText(method)} ${printTop(path, names)}${options(names, request, "headers", "form", "encoded", "body")}`
  const line = response(answer, names)
  return asked.length + line.length > lineLength ? `${asked}\n    ${line}` : `${asked} ${line}`
}

const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

/** Text after the kind and the check. */
const detail = (step: JsonObject, names: Printed): string => {
  if ("connect" in step) return ` connect${options(names, object(step["connect"]), "query").replace(" query", "")}`
  const check = ` ${asText(step["check"])}`
  if ("until" in step)
    return ` until${check} ${frame(step["send"] ?? null, names)} => ${printTop(step["until"] ?? null, names)}`
  if ("send" in step) return ` send ${frame(step["send"] ?? null, names)}`
  if ("raw" in step) return ` raw ${printTop(step["raw"] ?? null, names)}`
  if ("frames" in step) return ` frames ${printTop(step["frames"] ?? null, names)}`
  if ("ack" in step) return ` ack ${printTop(step["ack"] ?? null, names)}${options(names, step, "sid")}`
  if ("reply" in step) {
    const { to } = step
    const request = to === undefined ? "" : ` to ${operation(object(to)) ?? printTop(to, names)}`
    return ` reply${check} ${printTop(step["reply"] ?? null, names)}${request}`
  }
  if ("push" in step) {
    const labels = ["as", "after"].flatMap((key) => (step[key] === undefined ? [] : [` ${key} ${asText(step[key])}`]))
    return ` push${check} ${printTop(step["push"] ?? null, names)}${labels.join("")}`
  }
  if ("quiet" in step) return ` quiet${check} ${printTop(step["quiet"] ?? null, names)}`
  if ("disconnect" in step) return " disconnect"
  if ("drain" in step) return " drain"
  if ("closed" in step) return ` closed${check}${options(names, object(step["closed"]), "code").replace(" code", "")}`
  if ("http" in step) return ` http${check} ${http(object(step["http"]), object(step["answer"]), names)}`
  if ("that" in step)
    return ` that${check} ${printTop(step["that"] ?? null, names)} is ${printTop(step["is"] ?? null, names)}`
  return "expire" in step ? " expire" : ` use ${asText(step["use"])}`
}

/** The lines of a step; `cited` is the name of its source where it is not the scenario's own. */
export const printStep = (step: JsonObject, cited: string | undefined, names: Printed): string => {
  const { by, role, unlike, times, racing, profiles } = step
  const wire = Array.isArray(profiles) ? ` wire ${profiles.join(" ")}` : ""
  const more = `${typeof times === "number" ? ` times ${times}` : ""}${racing === true ? " racing" : ""}`
  const twin = typeof unlike === "string" ? ` unlike ${unlike}` : ""
  const line =
    `${typeof role === "string" ? `${role} ` : ""}${typeof by === "string" ? by : ""}${detail(step, names)}`.trim()
  return wrap(`  ${line}${more}${twin}${wire}${cited === undefined ? "" : ` § ${cited}`}`)
}
