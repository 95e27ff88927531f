/** The messages of one chat, who types, how far others have read, and a field for the next message. */
import { type Chat, type Message, type Parley, ParleyError } from "@parley/client"
import { type SubmitEvent, useEffect, useLayoutEffect, useRef, useState } from "react"
import { titleOf } from "./titleOf.ts"
import { useMessages } from "./useMessages.ts"
import { useReadMarks } from "./useReadMarks.ts"
import { useTyping } from "./useTyping.ts"

const timeOf = ({ date }: Message): string =>
  new Date(date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })

interface ChatProps {
  readonly parley: Parley
  readonly chat: Chat
}

function Messages({ parley, chat, messages }: ChatProps & { readonly messages: ReadonlyArray<Message> }) {
  const list = useRef<HTMLOListElement>(null)
  const newest = messages.at(-1)?.id
  useLayoutEffect(() => {
    list.current?.scrollTo(0, list.current.scrollHeight)
  }, [newest])
  const readers = useReadMarks(parley, chat, messages)
  return (
    <ol className="messages" ref={list} aria-label="Messages">
      {messages.map((message) => {
        const isOwn = message.user === parley.me.id
        const readBy = readers(message)
        return (
          <li key={message.gid} className={isOwn ? "own" : ""}>
            {!isOwn && <span className="sender">{parley.users.get(message.user)?.realname}</span>}
            <p>{message.recalled ? <em>Recalled</em> : message.content}</p>
            <span className="meta">
              {message.edited && "edited "}
              {timeOf(message)}
              {isOwn && readBy.length > 0 && ` · Read by ${readBy.join(", ")}`}
            </span>
          </li>
        )
      })}
    </ol>
  )
}

export function Conversation({ parley, chat, onClose }: ChatProps & { readonly onClose: () => void }) {
  const { messages, add } = useMessages(parley, chat.gid)
  const typists = useTyping(parley, chat.gid)
  const [text, setText] = useState("")
  const [problem, setProblem] = useState("")

  // Read while the page is visible.
  const newest = messages.at(-1)?.id
  useEffect(() => {
    const read = (): void => {
      if (newest !== undefined && !document.hidden) parley.read(chat, newest).catch(() => {})
    }
    read()
    document.addEventListener("visibilitychange", read)
    return () => document.removeEventListener("visibilitychange", read)
  }, [parley, chat.gid, newest])

  const change = (value: string): void => {
    setText(value)
    parley.typing(chat, value !== "").catch(() => {})
  }
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    if (text.trim() === "") return
    setProblem("")
    setText("")
    try {
      add(await parley.send(chat, text))
    } catch (error) {
      setText(text)
      setProblem(error instanceof ParleyError ? (error.refused[0]?.message ?? error.message) : String(error))
    }
  }
  return (
    <section className="conversation">
      <header>
        <button className="back" onClick={onClose} aria-label="Back">
          ‹
        </button>
        <h1>{titleOf(parley, chat)}</h1>
      </header>
      <Messages parley={parley} chat={chat} messages={messages} />
      <p className="typing" role="status">
        {typists.length > 0 && `${typists.join(", ")} ${typists.length > 1 ? "are" : "is"} typing…`}
      </p>
      {problem !== "" && <p role="alert">{problem}</p>}
      <form onSubmit={(event) => void submit(event)}>
        <input
          aria-label="Message"
          placeholder="Write a message"
          autoFocus
          value={text}
          onChange={({ target }) => change(target.value)}
        />
        <button>Send</button>
      </form>
    </section>
  )
}
