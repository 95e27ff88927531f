/**
 * The most common passwords of at least 8 characters, in lower case, as they recur in published breaches. Sequences and
 * repetitions are not listed: `NewPassword` recognizes them.
 */
const PASSWORDS = `
password password1 password12 password123 password1234 password! password1! password123! passw0rd passw0rd1 p@ssword
p@ssw0rd p@ssw0rd1 p@ssw0rd123 pa$$word pa$$w0rd passwort password01 password11 password2 password22 passpass mypassword
admin123 admin1234 admin12345 admin@123 admin123! adminadmin administrator administrador root1234 rootroot toor1234
changeme changeme1 changeme123 change123 default1 welcome1 welcome12 welcome123 welcome@123 welcome1! letmein1 letmein123
letmein! iloveyou iloveyou1 iloveyou2 iloveyou! iloveu123 loveyou1 lovelove iloveme1 trustno1 sunshine sunshine1 princess
princess1 football football1 baseball baseball1 basketball superman superman1 batman123 spiderman starwars starwars1
pokemon1 pokemon123 michael1 jennifer jessica1 jordan23 jonathan charlie1 samantha alexander alexandra victoria elizabeth
christian danielle nicholas patricia benjamin anthony1 ashley123 computer computer1 internet internet1 internet123
samsung1 samsung123 microsoft facebook facebook1 linkedin linkedin1 google123 youtube1 whatever whatever1 blink182
corvette mercedes ferrari1 mustang1 maverick midnight butterfly chocolate chocolate1 strawberry cheesecake cookie123
hello123 hello1234 hellohello helloworld goodbye1 freedom1 liverpool liverpool1 chelsea1 arsenal1 manchester barcelona
realmadrid steelers patriots cowboys1 yankees1 redsox123 dolphins dolphin1 elephant scorpion phoenix1 dragon123
monkey123 shadow123 master123 master1234 killer123 hunter12 ranger12 rainbow1 diamond1 summer123 winter123 spring123
autumn123 summer2024 summer2025 winter2024 winter2025 spring2024 spring2025 january1 december1 november september february
secret123 secret12 test1234 test12345 test123! testtest testing1 testing123 tester123 guest123 guest1234 user1234
user12345 username username1 login123 login1234 access14 access123 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456
qwerty1! qwerty!1 qwer1234 qwerasdf asdf1234 asdfasdf asdfghjkl1 zxcvbnm1 zxcvbnm123 zxcv1234 zxcvzxcv 1234qwer 123qweasd
123qwe123 123qweasdzxc qweasdzxc qweasd123 qazwsx123 1qazxsw2 1qaz@wsx !qaz2wsx 1qaz!qaz q1w2e3r4t5 a1b2c3d4 a1s2d3f4
aa123456 aa12345678 a1234567 a12345678 a123456789 a1234567890 abc12345 abc123456 abcd1234 abcd12345 abcde123 abc123abc
abc123456789 123456ab 123456abc 123456aa 12345678a 123456789a 123456789abc 1234567a 1234567q 123456qwerty 12345qwert
12345abc asd123456 asd12345 qq123456 qq123456789 wang1234 wo123456 woaini520 woaini123 woaini1314 5201314520 zhang123
wangyang1 88888888a 147258369 147852369 159357456 159753456 741852963 789456123 789456123a 963852741 987654321a 0987654321
11223344 1122334455 112233445566 12341234a 13145200 1314520520 31415926 314159265 10203040 1020304050 12344321 123321123
123454321 1234554321 100200300 12121212a 19871987 19881988 19891989 19901990 gfhjkmgfhjkm 1q2w3e4r! 1234abcd 1234567890a
parley123 parley1234 superuser superadmin support1 service1 oracle123 mysql123 postgres postgres1 docker123 server123
database system123 manager1 manager123 company1 company123 business temp1234 temporary newpass1 newpassword student1
teacher1 school123 security security1 secure123 nothing1 anything1 something babygirl babygirl1 babyboy1 sweetheart
beautiful beautiful1 handsome1 lovelove1 forever1 friends1 friendship family123 family01 jesuschrist jesus123 godisgood
blessed1 bismillah metallica slipknot slipknot1 nirvana1 rockstar rockstar1 guitar123 gangster hardcore gateway1 hellokitty
`

export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(PASSWORDS.trim().split(/\s+/))
