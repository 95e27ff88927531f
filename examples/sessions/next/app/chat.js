"use client"
import { connect } from "@parley/client"
import { useEffect, useState } from "react"

export function Chat() {
  const [contents, setContents] = useState([])
  useEffect(() => {
    const connecting = connect({ url: "/im" })
    connecting.then(
      (chat) => chat.on("message", ({ content }) => setContents((before) => [...before, content])),
      (error) => setContents([error.message])
    )
    return () => void connecting.then((chat) => chat.close()).catch(() => {})
  }, [])
  return (
    <ul>
      {contents.map((content, index) => (
        <li key={index}>{content}</li>
      ))}
    </ul>
  )
}
