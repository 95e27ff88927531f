/** The way to a client that is online. */
import { addressOf } from "./Address.ts"
import { Parley } from "./Parley.ts"
import { ParleyError } from "./ParleyError.ts"
import { type ConnectOptions, settingsOf } from "./Settings.ts"

/**
 * Connects and logs in; answers once the lists of users and chats are there. Until `timeout` it goes on trying where the
 * server cannot be reached, unless `retry` is false. Fails with a `ParleyError`: `login` where the password or the token is not accepted, `timeout`,
 * `aborted`, `connection`.
 */
export const connect = (options: ConnectOptions): Promise<Parley> =>
  new Promise((resolve, reject) => {
    const { signal, onState, retry = true, status = "online" } = options
    const settings = settingsOf(options)
    const { clock, timeout, url } = settings
    // An executor that throws rejects.
    const parley = new Parley(settings, options, status)
    if (onState !== undefined) parley.on("state", ({ state, error }) => onState(state, error))
    let timer: unknown
    const settle = (): void => {
      clock.clearTimeout(timer)
      signal?.removeEventListener("abort", abort)
      forget()
      ignore()
    }
    const giveUp = (error: ParleyError): void => {
      settle()
      parley.close()
      reject(error)
    }
    const abort = (): void => giveUp(new ParleyError("aborted", "connecting was given up", { cause: signal?.reason }))
    const forget = parley.on("chats", () => {
      settle()
      resolve(parley)
    })
    const ignore = parley.on("state", ({ state, error }) => {
      if (error !== undefined) giveUp(error)
      else if (state === "waiting" && !retry) {
        giveUp(new ParleyError("connection", `${addressOf(url).socket} was not reached`))
      }
    })
    if (signal?.aborted === true) return abort()
    signal?.addEventListener("abort", abort)
    if (timeout > 0) {
      const late = (): void => giveUp(new ParleyError("timeout", `${url} was not reached in ${timeout} ms`))
      timer = clock.setTimeout(late, timeout)
    }
    parley.start()
  })
