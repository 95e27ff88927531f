/** The messages of a chat, oldest first: its history, and what arrives. */
import type { Message, Parley } from "@parley/client"
import { useEffect, useState } from "react"

/** A message that arrives again, changed or after a reconnect, takes its old place. */
const merged = (before: ReadonlyArray<Message>, arrived: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const byGid = new Map(before.map((message) => [message.gid, message]))
  for (const message of arrived) byGid.set(message.gid, message)
  return [...byGid.values()].toSorted((one, other) => one.id - other.id)
}

export const useMessages = (parley: Parley, gid: string) => {
  const [messages, setMessages] = useState<ReadonlyArray<Message>>([])
  const add = (...arrived: ReadonlyArray<Message>): void => setMessages((before) => merged(before, arrived))
  useEffect(() => {
    const load = (): void =>
      void parley.history(gid).then(
        (page) => add(...page.messages),
        () => {}
      )
    load()
    const stops = [
      parley.on("message", (message) => {
        if (message.cgid === gid) add(message)
      }),
      // Another tab may have received messages while this one was offline.
      parley.on("state", ({ state }) => state === "online" && load())
    ]
    return () => stops.forEach((stop) => stop())
  }, [parley, gid])
  return { messages, add }
}
