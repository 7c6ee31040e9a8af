"""A WebDriver client as small as the check needs: Python's standard library speaks to chromedriver over HTTP."""

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

# Calls back a frame after the first one that shows something.
ON_SCREEN = """
const done = arguments[arguments.length - 1];
const look = () => requestAnimationFrame(() =>
  performance.getEntriesByType("paint").length ? requestAnimationFrame(done) : look());
look();
"""


class Browser:
    """One headless Chromium, with a log of everything it asks the network for."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.downloads = os.path.join(folder, "downloads")
        os.makedirs(self.downloads, exist_ok=True)
        self.root = f"http://127.0.0.1:{port}"
        # Never through a proxy: the driver is on this machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_until_ready()
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"],
            "prefs": {
                "download.default_directory": os.path.abspath(self.downloads),
                "profile.default_content_setting_values.automatic_downloads": 1,
            },
        }
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}
        self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def _wait_until_ready(self):
        for _ in range(100):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("chromedriver does not answer")

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].splitlines()[0]) from error

    def call(self, path, body):
        return self._call("POST", f"/session/{self.session}{path}", body)

    def open(self, url, with_script=True):
        """Opens a page and waits until it is on the screen: before its first frame a browser throws away what is typed."""
        self.call("/url", {"url": url})
        if with_script:
            self.call("/execute/async", {"script": ON_SCREEN, "args": []})

    def run(self, script, *arguments):
        return self.call("/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screen(self, width, height, scheme):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, *keys):
        """Types keys one after the other, as a keyboard does; `shift+` before a key holds shift down."""
        actions = []
        for key in keys:
            held = key.startswith("shift+")
            value = key.removeprefix("shift+")
            if held:
                actions.append({"type": "keyDown", "value": "\ue008"})
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
            if held:
                actions.append({"type": "keyUp", "value": "\ue008"})
        self.call("/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def screenshot(self, path, height_max=6000):
        """The page from its top, as long as it is but not longer than `height_max`."""
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], height_max), "scale": 1}
        shot = self.devtools("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def requests(self):
        """URLs asked for since the last call."""
        entries = self.call("/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def console(self):
        """Errors the page met since the last call: a refused script shows up here."""
        entries = self.call("/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def close(self):
        try:
            self._call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(10)
