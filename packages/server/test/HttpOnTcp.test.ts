/** A browser page may send an HTTP request to the TCP port: no line of its body is executed. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as net from "node:net"
import { loggedIn, PASSWORD, Server } from "./TestClient.ts"

layer(Server.patient, { excludeTestServices: true })("an HTTP request to the TCP port", (it) => {
  const login = JSON.stringify({ module: "chat", method: "login", params: ["alice", PASSWORD, "online"] })

  it.effect("logs no user in, and takes no session over", () =>
    Effect.gen(function* () {
      const { tcp } = yield* Server
      const alice = yield* loggedIn("alice")
      const result = yield* Effect.promise(() =>
        fetch(tcp.replace("tcp:", "http:"), { method: "POST", mode: "no-cors", body: `\n${login}\n` }).then(
          () => "a response",
          () => "no response"
        )
      )
      assert.strictEqual(result, "no response")
      assert.strictEqual((yield* alice.ask("ping"))["result"], "success")
    })
  )

  it.effect("is refused with an error of the protocol", () =>
    Effect.gen(function* () {
      const { hostname, port } = new URL((yield* Server).tcp.replace("tcp:", "http:"))
      const text = yield* Effect.callback<string>((resume) => {
        let all = ""
        const socket = net.connect(Number(port), hostname, () =>
          socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${login.length + 1}\r\n\r\n${login}\n`)
        )
        socket.on("data", (data) => (all += String(data)))
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.succeed(all)))
      })
      assert.deepStrictEqual(JSON.parse(text), {
        module: "null",
        method: "null",
        result: "fail",
        message: "This port does not accept HTTP requests."
      })
    })
  )
})
