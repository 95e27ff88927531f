import { check } from "../../../people.js"
import { sign } from "../../../session.js"

export async function POST(request) {
  const { login, password } = await request.json()
  const user = check(login, password)
  if (user === undefined) return new Response(null, { status: 401 })
  const cookie = `session=${sign(user)}; HttpOnly; Path=/; SameSite=Lax`
  return Response.json({}, { headers: { "set-cookie": cookie } })
}
