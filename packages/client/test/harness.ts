/** A client with a fake server and a manual clock. */
import { assert } from "@effect/vitest"
import { connect, type Credentials, ParleyError, type ParleyOptions, type State } from "../src/index.ts"
import { fakeNetwork, ManualClock } from "./FakeServer.ts"

export const setUp = (options: Partial<ParleyOptions> = {}) =>
  setUpWith({ account: "ann", password: "123456" }, options)

export const setUpWith = (credentials: Credentials, options: Partial<ParleyOptions> = {}) => {
  const net = fakeNetwork()
  const clock = new ManualClock()
  const states: Array<State> = []
  const connecting = connect({
    url: "http://server",
    ...credentials,
    WebSocket: net.WebSocket,
    fetch: () => Promise.reject(new TypeError("there is no network")),
    clock,
    random: () => 0.5,
    backoff: { first: 1000, max: 8000 },
    timeout: 60_000,
    heartbeat: 20_000,
    replyTimeout: 10_000,
    onState: (state) => states.push(state),
    ...options
  })
  // Tests that expect a failure await the promise later.
  connecting.catch(() => {})
  return { net, clock, states, connecting }
}

/** Connects a client and brings it online. */
export const online = async (options: Partial<ParleyOptions> = {}) => {
  const all = setUp(options)
  all.net.peer.acceptLogin()
  const parley = await all.connecting
  all.states.length = 0
  return { ...all, parley }
}

export const failure = async (promise: Promise<unknown>): Promise<ParleyError> => {
  try {
    await promise
  } catch (error) {
    assert.instanceOf(error, ParleyError)
    return error
  }
  throw new Error("it did not fail")
}

export const stored = (content: string) => ({ data: [{ id: 1, gid: "g", cgid: "chat", content }] })
