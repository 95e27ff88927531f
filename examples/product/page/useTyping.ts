/** The members of a chat who type now. */
import type { Parley } from "@parley/client"
import { useEffect, useState } from "react"

/** Milliseconds for which a member is shown: the end may be lost with a connection. */
const SHOWN = 6000

export const useTyping = (parley: Parley, gid: string): ReadonlyArray<string> => {
  const [users, setUsers] = useState<ReadonlySet<number>>(new Set())
  useEffect(() => {
    const timers = new Map<number, ReturnType<typeof setTimeout>>()
    const set = (user: number, isTyping: boolean): void => {
      clearTimeout(timers.get(user))
      if (isTyping)
        timers.set(
          user,
          setTimeout(() => set(user, false), SHOWN)
        )
      setUsers((before) => {
        const after = new Set(before)
        if (isTyping) after.add(user)
        else after.delete(user)
        return after
      })
    }
    const stops = [
      parley.on("typing", ({ gid: chat, user, typing }) => chat === gid && set(user, typing)),
      parley.on("message", ({ cgid, user }) => cgid === gid && set(user, false))
    ]
    return () => {
      stops.forEach((stop) => stop())
      timers.forEach((timer) => clearTimeout(timer))
    }
  }, [parley, gid])
  return [...users].flatMap((user) => (user === parley.me.id ? [] : (parley.users.get(user)?.realname ?? [])))
}
