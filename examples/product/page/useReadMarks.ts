/** Read marks of the other members of a chat. */
import type { Chat, Message, Parley } from "@parley/client"
import { useEffect, useState } from "react"

/** Returns a function of a message: the names of the others whose newest read message it is. */
export const useReadMarks = (parley: Parley, chat: Chat, messages: ReadonlyArray<Message>) => {
  const [marks, setMarks] = useState<ReadonlyMap<number, number>>(new Map())
  useEffect(() => {
    const add = (user: number, id: number): void =>
      setMarks((before) => new Map(before).set(user, Math.max(id, before.get(user) ?? 0)))
    const load = (): void =>
      void parley.readMarks(chat.gid).then(
        (all) => all.forEach(({ user, id }) => add(user, id)),
        () => {}
      )
    load()
    const stops = [
      parley.on("read", ({ gid, user, id }) => gid === chat.gid && add(user, id)),
      parley.on("message", ({ cgid, user, id }) => cgid === chat.gid && add(user, id)),
      parley.on("state", ({ state }) => state === "online" && load())
    ]
    return () => stops.forEach((stop) => stop())
  }, [parley, chat.gid])
  const own = messages.filter(({ user }) => user === parley.me.id)
  return (message: Message): ReadonlyArray<string> => {
    const next = own[own.indexOf(message) + 1]?.id ?? Number.POSITIVE_INFINITY
    return [...marks].flatMap(([user, id]) =>
      user !== parley.me.id && id >= message.id && id < next ? (parley.users.get(user)?.realname ?? []) : []
    )
  }
}
