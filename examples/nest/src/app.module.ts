import { Module } from "@nestjs/common"
import { ChatModule } from "./chat/chat.module.ts"
import { UsersModule } from "./users/users.module.ts"

@Module({ imports: [UsersModule, ChatModule] })
export class AppModule {}
