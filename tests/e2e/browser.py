"""browser - a headless Chromium, driven over a pipe by its DevTools protocol; nothing but Python is needed.

    with Browser(folder) as page:
        page.goto("http://10.9.0.2/.tapio/")
        page.wait("document.title == 'tapio live'")
        page.eval("1 + 1")
        page.screenshot("page.png")

What the page logs as an error or warning, and each exception, is in page.complaints; each answer in page.answers.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time


class Browser:
    def __init__(self, folder, width=1440, height=900):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise SystemExit("chromium is missing: scripts/deps browser")
        low_read, self.out = os.pipe()
        self.back, low_write = os.pipe()
        to_read, to_write = (fcntl.fcntl(low, fcntl.F_DUPFD, 20) for low in (low_read, low_write))
        # The browser expects commands on descriptor 3 and answers on 4.
        command = (f'exec 3<&{to_read} 4>&{to_write} {to_read}<&- {to_write}>&- && exec "$0" "$@"')
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                 "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-extensions", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
                 f"--window-size={width},{height}", "--remote-debugging-pipe", "about:blank"]
        self.log = open(f"{folder}/chromium.err", "w", encoding="utf-8")
        env = dict(os.environ, HOME=folder)
        self.process = subprocess.Popen(["bash", "-c", command, program, *words], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, pass_fds=(to_read, to_write), env=env)
        for end in (to_read, to_write, low_read, low_write):
            os.close(end)
        self.number, self.rest, self.session = 0, b"", None
        self.complaints, self.answers, self.arrived = [], {}, {}
        targets = self.call("Target.getTargets", seconds=60)["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.call(domain + ".enable")
        self.size(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.session = None
            self.call("Browser.close", seconds=5)
        except (OSError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    # --- the protocol: JSON objects that end with a NUL ---------------------------------------------

    def call(self, method, seconds=20, **params):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            answer = self.receive(end)
            if answer is None:
                raise RuntimeError(f"{method}: no answer within {seconds} s")
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def receive(self, end):
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                return None
            more = os.read(self.back, 1 << 16)
            if not more:
                raise RuntimeError("the browser has gone: see chromium.err")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Network.responseReceived":
            self.answers[params["requestId"]] = params["response"]
        elif method == "Network.loadingFinished":
            self.arrived[params["requestId"]] = params["encodedDataLength"]

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while True:
            event = self.receive(end)
            if event is None:
                return
            self.note(event)

    # --- a page ---------------------------------------------------------------------------------------

    def goto(self, url):
        result = self.call("Page.navigate", url=url, seconds=60)
        if "errorText" in result:
            raise RuntimeError(f"{url}: {result['errorText']}")

    def eval(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def wait(self, expression, seconds=15):
        end = time.monotonic() + seconds
        while not self.eval(f"!!({expression})"):
            if time.monotonic() > end:
                raise RuntimeError(f"not so within {seconds} s: {expression}")
            self.pause(0.1)

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, path, whole=True):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, seconds=60)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def key(self, name, shift=False):
        codes = {"Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "ArrowLeft": 37, "End": 35, "Home": 36, " ": 32,
                 "Enter": 13}
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name],
                      modifiers=8 if shift else 0)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
