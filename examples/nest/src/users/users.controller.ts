import { Body, Controller, Post } from "@nestjs/common"
import { UsersService } from "./users.service.ts"

interface Login {
  readonly login: string
  readonly password: string
}

@Controller()
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Post("login")
  async login(@Body() { login, password }: Login) {
    return { token: await this.users.login(login, password) }
  }
}
