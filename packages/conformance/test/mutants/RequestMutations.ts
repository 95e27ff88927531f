/** Mutations of requests on their way to the server, which then works as if it did not read a field, or misread it. */
import { isArray, isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"
import type { Asked } from "./Mutant.ts"
import { altered, contentOf } from "./Mutations.ts"

const edit = (way: string, body: Json, name: string): Json =>
  way === "ignore" ? contentOf("drop", name, body) : contentOf("change", name, body)

/** A request over a connection: the field of its `params`, or else its own. */
export const requestOf = (way: string, name: string, request: JsonObject): JsonObject => {
  const { params } = request
  const items = (isArray(params) ? params : [params]).filter(isObject)
  const mutated = items.some((item) => Object.hasOwn(item, name))
    ? altered(request, ["params"], (value) =>
        isArray(value) ? value.map((item) => edit(way, item, name)) : edit(way, value, name)
      )
    : edit(way, request, name)
  return isObject(mutated) ? mutated : request
}

/** A segment of the path by its name in the operation's address, as `{app_id}`. */
const inPath = (operation: string, name: string, url: URL): boolean => {
  const template = operation.slice(operation.indexOf(" ") + 1).split("/")
  const parts = url.pathname.split("/")
  const at = template.indexOf(`{${name}}`)
  const value = parts[at]
  if (at < 0 || value === undefined) return false
  parts[at] = /^\d+$/.test(value) ? String(Number(value) + 1) : `${value}x`
  url.pathname = parts.join("/")
  return true
}

const withBody = (asked: Asked, body: string): Asked => ({ ...asked, body: Buffer.from(body, "latin1") })

/** A request over HTTP: the field in its path, query, headers or body. */
export const askedOf = (way: string, name: string, operation: string, asked: Asked): Asked => {
  const url = new URL(asked.url, "http://any")
  const again = () => ({ ...asked, url: url.pathname + url.search })
  if (inPath(operation, name, url)) return again()
  const value = url.searchParams.get(name)
  if (value !== null) {
    if (way === "ignore") url.searchParams.delete(name)
    else url.searchParams.set(name, /^\d+$/.test(value) ? String(Number(value) + 1) : `${value}x`)
    return again()
  }
  const header = name.toLowerCase()
  const { [header]: own, ...others } = asked.headers
  if (own !== undefined)
    return { ...asked, headers: way === "ignore" ? others : { ...others, [header]: `${String(own)}x` } }
  const type = asked.headers["content-type"] ?? ""
  // The part of a form has another name then, and the server ignores it.
  if (type.startsWith("multipart/"))
    return withBody(asked, asked.body.toString("latin1").replace(`name="${name}"`, 'name="other"'))
  if (type.startsWith("application/x-www-form-urlencoded")) {
    const form = new URLSearchParams(asked.body.toString("utf8"))
    if (way === "ignore") form.delete(name)
    else form.set(name, `${form.get(name)}x`)
    return withBody(asked, form.toString())
  }
  const body = parse(asked.body.toString("utf8"))
  if (isObject(body)) return { ...asked, body: Buffer.from(JSON.stringify(edit(way, body, name))) }
  // An id within a segment of the path.
  url.pathname = url.pathname.replace(/\d+/, (id) => String(Number(id) + 1))
  return again()
}
