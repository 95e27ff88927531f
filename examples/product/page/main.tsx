/** The page: a login of the product's own, then the chat. */
import { StrictMode, type SubmitEvent, useEffect, useState } from "react"
import { createRoot } from "react-dom/client"
import { Chat } from "./Chat.tsx"

const post = (path: string, body: object = {}): Promise<Response> =>
  fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

function Login({ onLogin }: { readonly onLogin: () => void }) {
  const [problem, setProblem] = useState("")
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const fields = Object.fromEntries(new FormData(event.currentTarget))
    const response = await post("/login", fields)
    if (response.ok) return onLogin()
    const { message } = (await response.json()) as { message: string }
    setProblem(message)
  }
  return (
    <form className="login" onSubmit={(event) => void submit(event)}>
      <h1>Product</h1>
      <label>
        Name <input name="login" autoComplete="username" autoFocus required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {problem !== "" && <p role="alert">{problem}</p>}
      <button>Log in</button>
    </form>
  )
}

function App() {
  const [isLoggedIn, setLoggedIn] = useState<boolean>()
  useEffect(() => {
    void fetch("/me").then(async (response) => {
      const { id } = (await response.json()) as { id: string | null }
      setLoggedIn(id !== null)
    })
  }, [])
  const logout = (): void => void post("/logout").then(() => setLoggedIn(false))
  if (isLoggedIn === undefined) return null
  return isLoggedIn ? <Chat onLogout={logout} /> : <Login onLogin={() => setLoggedIn(true)} />
}

const root = document.getElementById("root")
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>
  )
}
