/** Chats on one side, the open one on the other. */
import type { Parley, User } from "@parley/client"
import { useState } from "react"
import { Conversation } from "./Conversation.tsx"
import { titleOf } from "./titleOf.ts"
import { useParley } from "./useParley.ts"

function Badge({ count, more }: { readonly count: number; readonly more: boolean }) {
  return (
    <span className="badge" aria-label={`${count} unread`}>
      {more ? `${count}+` : count}
    </span>
  )
}

interface SidebarProps {
  readonly parley: Parley
  readonly open: string | undefined
  readonly onOpen: (gid: string) => void
  readonly onLogout: () => void
}

function Sidebar({ parley, open, onOpen, onLogout }: SidebarProps) {
  const chats = [...parley.chats.values()].toSorted((one, other) => other.lastActiveTime - one.lastActiveTime)
  const others = [...parley.users.values()].filter(({ id }) => id !== parley.me.id)
  const openWith = (user: User) => void parley.openDirectChat(user).then(({ gid }) => onOpen(gid))
  const create = async (): Promise<void> => {
    const name = prompt("Name of the group")
    if (name !== null && name !== "") onOpen((await parley.create({ name, members: others })).gid)
  }
  return (
    <nav className="sidebar">
      <header>
        <strong>{parley.me.realname}</strong>
        <button onClick={onLogout}>Log out</button>
      </header>
      {parley.state !== "online" && <p role="status">Reconnecting…</p>}
      <h2>
        Chats <button onClick={() => void create()}>New group</button>
      </h2>
      <ul aria-label="Chats">
        {chats.map((chat) => {
          const unread = parley.unreadCounts.get(chat.gid)
          return (
            <li key={chat.gid}>
              <button aria-current={chat.gid === open} onClick={() => onOpen(chat.gid)}>
                <span className="title">{titleOf(parley, chat)}</span>
                {unread !== undefined && <Badge {...unread} />}
              </button>
            </li>
          )
        })}
        {chats.length === 0 && <li className="hint">Choose a colleague below.</li>}
      </ul>
      <h2>Colleagues</h2>
      <ul aria-label="Colleagues">
        {others.map((user) => (
          <li key={user.id}>
            <button onClick={() => openWith(user)}>
              <span className={`dot ${user.status}`} />
              <span className="title">{user.realname}</span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  )
}

export function Chat({ onLogout }: { readonly onLogout: () => void }) {
  const { parley, error } = useParley()
  const [open, setOpen] = useState<string>()
  if (error !== undefined) return <p role="alert">{error.message}</p>
  if (parley === undefined) return <p role="status">Connecting…</p>
  const chat = open === undefined ? undefined : parley.chats.get(open)
  return (
    <main className={chat === undefined ? "chat" : "chat is-open"}>
      <Sidebar parley={parley} open={open} onOpen={setOpen} onLogout={onLogout} />
      {chat === undefined ? (
        <section className="nothing">No chat is open.</section>
      ) : (
        <Conversation key={chat.gid} parley={parley} chat={chat} onClose={() => setOpen(undefined)} />
      )}
    </main>
  )
}
