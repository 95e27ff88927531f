/** Presence events: pushed at once while there are few, batched while there are many, and never lost or out of order. */
import { describe, it } from "@effect/vitest"
import type { UserEvent } from "@parley/core/Event"
import { UserId } from "@parley/core/Ids"
import {
  IMMEDIATE_LIMIT,
  BATCH_DELAY_MS,
  PresenceBroadcaster,
  type PublishPresence
} from "../src/delivery/PresenceBroadcaster.ts"
import * as fc from "fast-check"
import { expect } from "vitest"

const event = (id: number): UserEvent => ({
  _tag: "UserEvent",
  id,
  what: "login",
  user: {
    id: UserId(id),
    account: `user${id}`,
    realname: "",
    avatar: "",
    role: "",
    dept: 0,
    admin: false,
    organisation: null,
    disabled: false,
    createdAt: 0,
    since: {},
    status: "online"
  }
})

const open = (parts = 1) => {
  let now = 0
  const timers: Array<{ readonly at: number; readonly callback: () => void }> = []
  const told: Array<{ readonly at: number; readonly ids: ReadonlyArray<number>; readonly except: number | undefined }> =
    []
  const timing = {
    now: () => now,
    after: (milliseconds: number, callback: () => void) => void timers.push({ at: now + milliseconds, callback })
  }
  // In as many parts as there are: the first part is seen, the others take their time.
  const tell: PublishPresence = function* (events, except) {
    told.push({ at: now, ids: events.map(({ id }) => id), except })
    for (let part = 1; part < parts; part++) yield
  }
  const news = new PresenceBroadcaster(timing, tell)
  const goTo = (time: number): void => {
    for (let due = timers.findIndex(({ at }) => at <= time); due >= 0; due = timers.findIndex(({ at }) => at <= time)) {
      const [timer] = timers.splice(due, 1)
      now = timer?.at ?? now
      timer?.callback()
    }
    now = time
  }
  return { news, told, goTo }
}

describe("presence events", () => {
  it("are sent at once, except to the requester, while there are few", () => {
    const { news, told } = open()
    news.publish(event(1), 50, 7)
    news.publish(event(2), 50, 8)
    expect(told).toEqual([
      { at: 0, ids: [1], except: 7 },
      { at: 0, ids: [2], except: 8 }
    ])
    expect(news.isBatching).toBe(false)
  })

  it("are batched when thousands log in, and sent together within a second", () => {
    const { news, told, goTo } = open()
    const listeners = 5000
    for (let id = 1; id <= 100; id++) news.publish(event(id), listeners, id)
    const fastSend = IMMEDIATE_LIMIT / listeners
    expect(told.map(({ ids }) => ids)).toEqual(Array.from({ length: fastSend }, (_, index) => [index + 1]))
    expect(news.isBatching).toBe(true)
    goTo(BATCH_DELAY_MS)
    expect(told.at(-1)).toEqual({
      at: BATCH_DELAY_MS,
      ids: Array.from({ length: 100 - fastSend }, (_, index) => fastSend + index + 1),
      except: undefined
    })
    expect(news.generation).toBe(fastSend + 1)
    news.publish(event(101), listeners, 1)
    expect(told.at(-1), "quiet again").toMatchObject({ ids: [101] })
  })

  it("are sent to thousands in chunks, and later events after them", () => {
    const { news, told, goTo } = open(300)
    news.publish(event(1), 10, undefined)
    news.publish(event(2), 10, undefined)
    expect(told.map(({ ids }) => ids)).toEqual([[1]])
    expect(news.isBatching).toBe(true)
    goTo(299)
    expect(told).toHaveLength(1)
    goTo(BATCH_DELAY_MS)
    expect(told.map(({ ids }) => ids)).toEqual([[1], [2]])
    goTo(2 * BATCH_DELAY_MS)
    expect(news.isBatching).toBe(false)
  })

  it("are never lost, duplicated, reordered or late", () => {
    const steps = fc.array(
      fc.record({ wait: fc.nat(700), count: fc.integer({ min: 1, max: 20 }), listeners: fc.nat(9000) })
    )
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 400 }), (storm, parts) => {
        const { news, told, goTo } = open(parts)
        const requested = new Map<number, number>()
        let [time, id] = [0, 0]
        for (const { wait, count, listeners } of storm) {
          goTo((time += wait))
          for (let index = 0; index < count; index++) {
            requested.set(++id, time)
            news.publish(event(id), listeners, undefined)
          }
        }
        goTo(time + 3 * BATCH_DELAY_MS)
        expect(told.flatMap(({ ids }) => ids)).toEqual([...requested.keys()])
        for (const { at, ids } of told) {
          for (const one of ids) expect(at - (requested.get(one) ?? 0)).toBeLessThanOrEqual(BATCH_DELAY_MS)
        }
      })
    )
  })
})
