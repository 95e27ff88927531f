/** The connection to the chat, for as long as a component is shown. */
import { connect, type Parley, type ParleyError } from "@parley/client"
import { useEffect, useReducer, useState } from "react"

/** Connects with the session of this page. The component is rendered again with every event. */
export const useParley = (): { readonly parley: Parley | undefined; readonly error: ParleyError | undefined } => {
  const [parley, setParley] = useState<Parley>()
  const [error, setError] = useState<ParleyError>()
  const [, render] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    const abort = new AbortController()
    let connected: Parley | undefined
    connect({ url: "/chat", signal: abort.signal }).then(
      (client) => {
        if (abort.signal.aborted) return client.close()
        connected = client
        client.onAny(() => render())
        setParley(client)
      },
      (cause: ParleyError) => abort.signal.aborted || setError(cause)
    )
    const wake = (): void => connected?.wake()
    addEventListener("online", wake)
    return () => {
      removeEventListener("online", wake)
      abort.abort()
      connected?.close()
    }
  }, [])
  return { parley, error: error ?? parley?.error }
}
