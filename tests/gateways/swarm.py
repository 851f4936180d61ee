"""Many clients at once: each has its connection open and its form ready; the last byte of all goes out together."""
import asyncio
import json
import re
import urllib.parse


class Swimmer:
    """One browser with one kept connection."""

    def __init__(self, port):
        self.port, self.cookies, self.stream = port, {}, None

    async def exchange(self, head, body=b"", hold=None):
        if self.stream is None:
            self.stream = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.stream
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        text = f"{head}\r\nHost: 127.0.0.1:{self.port}\r\nAccept: application/json\r\n"
        text += f"Cookie: {cookies}\r\n" if cookies else ""
        if body:
            text += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        data = text.encode() + b"\r\n" + body
        if hold is not None:
            writer.write(data[:-1])
            await writer.drain()
            await hold.wait()
            data = data[-1:]
        writer.write(data)
        status, headers, answer = await self.read(reader)
        for line in re.findall(rb"(?mi)^set-cookie: ([^\r]+)", headers):
            name, value = re.match(r"([^=]+)=([^;]*)", line.decode()).groups()
            self.cookies[name] = value
        return status, answer

    async def read(self, reader):
        headers = await reader.readuntil(b"\r\n\r\n")
        status = int(headers.split(b" ", 2)[1])
        length = re.search(rb"(?mi)^content-length: (\d+)", headers)
        if length:
            return status, headers, await reader.readexactly(int(length[1]))
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                return status, headers, body

    async def csrf(self, page):
        return json.loads((await self.exchange(f"GET /otp/{page} HTTP/1.1"))[1]).get("csrf", "")

    async def send(self, page, fields, hold=None):
        body = urllib.parse.urlencode(fields).encode()
        status, answer = await self.exchange(f"POST /otp/{page} HTTP/1.1", body, hold)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, {"not_json": answer[:100].decode("latin-1")}


class Swarm:
    def __init__(self, ports, count):
        self.swimmers = [Swimmer(ports[number % len(ports)]) for number in range(count)]

    async def race(self, page, fields):
        """Everybody fetches the page, then everybody sends the same fields at once: [(status, answer), …]."""
        tokens = await asyncio.gather(*(swimmer.csrf(page) for swimmer in self.swimmers))
        hold = asyncio.Event()
        tasks = [asyncio.ensure_future(swimmer.send(page, {**fields, "csrf": token}, hold))
                 for swimmer, token in zip(self.swimmers, tokens)]
        await asyncio.sleep(0.005)
        hold.set()
        return await asyncio.gather(*tasks)

    async def each(self, page, fields):
        return [await swimmer.send(page, {**fields, "csrf": await swimmer.csrf(page)}) for swimmer in self.swimmers]

    def keep_cookies(self):
        return [dict(swimmer.cookies) for swimmer in self.swimmers]

    def restore_cookies(self, kept):
        for swimmer, cookies in zip(self.swimmers, kept):
            swimmer.cookies = dict(cookies)

    def close(self):
        for swimmer in self.swimmers:
            if swimmer.stream:
                swimmer.stream[1].close()
