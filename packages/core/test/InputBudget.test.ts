/** Bytes of input are counted per connection, per network and in total, and what is counted is given back. */
import { InputBudget } from "@parley/core/InputBudget"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"

const LIMITS = { input: 100, unauthenticatedInput: 50, inputPerAddress: 800, inputTotal: 1600 }

describe("a budget of input", () => {
  it("has an eighth for unauthenticated connections, per network and in total", () => {
    const budget = new InputBudget(LIMITS)
    const accounts = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => budget.open(address))
    const [first, second, third, fourth] = accounts
    expect(first?.limit).toBe(50)
    expect(first?.charge(60)).toBe(true)
    expect(second?.charge(60), "120 of one address").toBe(false)
    second?.release(60)
    expect(third?.charge(90)).toBe(true)
    expect(fourth?.charge(60), "210 in total").toBe(false)
  })

  it("moves held bytes between pools at login and logout", () => {
    const budget = new InputBudget(LIMITS)
    const [one, other] = [budget.open("192.0.2.1"), budget.open("192.0.2.1")]
    one.charge(90)
    expect(other.charge(20)).toBe(false)
    one.authenticate(true)
    expect([one.held, one.limit, one.isAuthenticated]).toEqual([90, 100, true])
    expect(other.charge(20)).toBe(true)
    expect(one.charge(600)).toBe(true)
    one.authenticate(false)
    expect(one.charge(1)).toBe(false)
    one.release(691)
    expect(other.charge(1)).toBe(true)
  })

  it("counts one /64 of IPv6 as one network, and an unknown address in total only", () => {
    const budget = new InputBudget(LIMITS)
    expect(budget.open("2001:db8::1").charge(60)).toBe(true)
    expect(budget.open("2001:db8::2").charge(60)).toBe(false)
    const unknown = new InputBudget(LIMITS)
    expect(unknown.open("").charge(150)).toBe(true)
    expect(unknown.open("").charge(100)).toBe(false)
  })

  it("counts running work of an ended connection until it is done", () => {
    const budget = new InputBudget(LIMITS)
    const gone = budget.open("192.0.2.1")
    gone.charge(100)
    gone.close()
    const next = budget.open("192.0.2.1")
    expect(next.charge(1)).toBe(false)
    gone.release(100)
    expect(next.charge(1)).toBe(true)
  })

  it("is empty after all bytes are released", () => {
    const step = fc.tuple(fc.nat(2), fc.constantFrom("charge", "release", "enter", "exit", "close"), fc.nat(300))
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const budget = new InputBudget(LIMITS)
        const accounts = ["192.0.2.1", "192.0.2.1", "2001:db8::1"].map((address) => budget.open(address))
        for (const [at, what, bytes] of steps) {
          const account = accounts[at]
          if (account === undefined) continue
          if (what === "charge") account.charge(bytes)
          else if (what === "release") account.release(Math.min(bytes, account.held))
          else if (what === "close") account.close()
          else account.authenticate(what === "enter")
          expect(budget.bytes).toBe(accounts.reduce((sum, { held }) => sum + held, 0))
        }
        for (const account of accounts) {
          account.release(account.held)
          account.close()
        }
        expect(budget.bytes).toBe(0)
      })
    )
  })
})
