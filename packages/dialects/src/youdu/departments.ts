/**
 * Departments: the engine's users have numbers only, and the operator may give these names and parents.
 * Source: the public documentation, "部门管理".
 */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Engine } from "@parley/core/Engine"
import { logStorageFailure } from "@parley/core/StorageErrors"
import type { AppScope } from "@parley/core/rules/AppScope"
import type { StorageFailed, Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { DIALECT } from "./apps.ts"

/** Kind of the records, by organisation and id. */
const KIND = "dept"
/** Maximum length of a name, in characters. Source: the public documentation, "部门管理". */
const MAX_NAME = 32

/** A department in responses; fields in the documented order. */
export interface Department {
  readonly id: number
  readonly name: string
  /** 0 for a department below the root. */
  readonly parentId: number
  readonly sortId: number
  readonly alias: string
}

type Facts = Pick<Department, "name" | "parentId" | "sortId">

export interface Departments {
  /** Returns the departments of the scope that the operator named, and those in `used`, by id. */
  readonly list: (
    scope: AppScope,
    used: ReadonlySet<number>
  ) => Effect.Effect<ReadonlyMap<number, Department>, StorageFailed>
  readonly commands: ReadonlyArray<OperatorCommand>
}

const keyOf = (organisation: number, id: number): string => `${organisation}/${id}`

const ORG = { name: "org", kind: "integer", required: true, description: "The id of the organisation" } as const
const ID = { name: "id", kind: "integer", required: true, description: "The department's id" } as const

export const makeDepartments = (store: Store["Service"], engine: Engine["Service"]): Departments => {
  const records = store.records(DIALECT, KIND)

  const readable = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, string> =>
    work.pipe(
      Effect.tapError((failed) => logStorageFailure("departments could not be read or written", failed)),
      Effect.mapError(() => "the database could not be read or written; see the server's log")
    )

  const put = (key: string, value: Facts | null): Effect.Effect<void, string> =>
    readable(
      engine.commit({
        expectedVersions: [],
        writes: [{ _tag: "PutRecord", record: { dialect: DIALECT, kind: KIND, key, value } }]
      })
    )

  return {
    list: Effect.fnUntraced(function* (scope, used) {
      const departments = new Map<number, Department>()
      for (const { key, value } of yield* records) {
        const [organisation, id] = key.split("/", 2).map(Number)
        if (id === undefined || (scope !== "everywhere" && organisation !== scope.organisation)) continue
        if (!departments.has(id)) departments.set(id, { id, ...(value as Facts), alias: "" })
      }
      for (const id of used) {
        if (!departments.has(id)) departments.set(id, { id, name: String(id), parentId: 0, sortId: 0, alias: "" })
      }
      return new Map([...departments].toSorted(([a], [b]) => a - b))
    }),
    commands: [
      {
        path: ["youdu-dept", "set"],
        group: "Names of departments in the youdu protocol",
        description: "Name a department, and set its parent and its order",
        inputs: [
          ORG,
          ID,
          { name: "name", kind: "text", required: true, description: `The name, at most ${MAX_NAME} characters` },
          { name: "parent", kind: "integer", required: false, description: "The id of the parent; 0 for none" },
          { name: "sort", kind: "integer", required: false, description: "Its place among its siblings" }
        ],
        run: Effect.fnUntraced(function* (inputs) {
          const [organisation, id, parentId] = [
            Number(inputs["org"]),
            Number(inputs["id"]),
            Number(inputs["parent"] ?? 0)
          ]
          const name = String(inputs["name"]).trim()
          if (id < 1) return yield* Effect.fail("id must be a positive integer")
          if (name === "" || Array.from(name).length > MAX_NAME || !name.isWellFormed()) {
            return yield* Effect.fail(`name must have 1 to ${MAX_NAME} characters`)
          }
          const all = new Map((yield* readable(records)).map(({ key, value }) => [key, value as Facts]))
          for (let above = parentId; above !== 0;) {
            if (above === id) return yield* Effect.fail("parent must not be the department itself or one below it")
            const facts = all.get(keyOf(organisation, above))
            if (facts === undefined) return yield* Effect.fail(`there is no department ${above} with a name`)
            above = facts.parentId
          }
          yield* put(keyOf(organisation, id), { name, parentId, sortId: Number(inputs["sort"] ?? 0) })
          return `department ${id} of organisation ${organisation} is ${name}`
        })
      },
      {
        path: ["youdu-dept", "list"],
        description: "List the departments that have names",
        inputs: [],
        lists: true,
        run: () =>
          Effect.map(readable(records), (all) => ({
            columns: ["department", "name", "parent", "sort"],
            rows: all.map(({ key, value }) => {
              const { name, parentId, sortId } = value as Facts
              return { department: key, name, parent: parentId, sort: sortId }
            })
          }))
      },
      {
        path: ["youdu-dept", "remove"],
        description: "Remove the name of a department",
        inputs: [ORG, ID],
        run: Effect.fnUntraced(function* (inputs) {
          const [organisation, id] = [Number(inputs["org"]), Number(inputs["id"])]
          const all = yield* readable(records)
          if (!all.some(({ key }) => key === keyOf(organisation, id))) {
            return yield* Effect.fail(`department ${id} of organisation ${organisation} has no name`)
          }
          const isParent = all.some(
            ({ key, value }) => key.startsWith(`${organisation}/`) && (value as Facts).parentId === id
          )
          if (isParent) return yield* Effect.fail(`department ${id} is the parent of another one`)
          yield* put(keyOf(organisation, id), null)
          return `department ${id} of organisation ${organisation} has no name now`
        })
      }
    ]
  }
}

/** Returns a department and those below it; all for 0. */
export const withChildren = (all: ReadonlyMap<number, Department>, id: number): ReadonlyArray<Department> => {
  if (id === 0) return [...all.values()]
  const found = new Set([id])
  // Parents may come after their children.
  for (let before = 0; before < found.size;) {
    before = found.size
    for (const { id: child, parentId } of all.values()) if (found.has(parentId)) found.add(child)
  }
  return [...all.values()].filter((one) => found.has(one.id))
}
