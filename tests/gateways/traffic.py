"""The traffic of the gateway tests, written by us: a log to index first, and the bodies that a gateway is sent.

    traffic.py log              JSON lines for `promptprint index`
    traffic.py send URL ...     sends the bodies to the URLs by turns; prints what came back in x-promptprint-* headers
"""

import json
import sys
import urllib.request

TOPICS = [
    "the tides", "a violin", "iron smelting", "mountain huts", "the postal system", "chess endgames", "bee keeping",
    "paper folding", "river locks", "stone bridges", "early telephones", "sour dough", "night trains", "kites",
    "lighthouses", "map making", "sundials", "weaving", "glass blowing", "windmills", "salt mines", "canals", "herbs", "clocks",
]


def template(topic, number):
    return (
        "You are an examiner who sets a single hard question for students of the subject below, and then solves it.\n"
        f"Subject: {topic}, part {number}\n"
        "Write the question first. Then explain your reasoning step by step, name every assumption you make, and close "
        "with the final answer on a line of its own."
    )


def free(topic, number):
    return f"Tell me {number} things about {topic} that I can use at dinner, with a joke about {TOPICS[number % 7]}."


def log():
    for number in range(60):
        topic = TOPICS[number % len(TOPICS)]
        line = {"id": f"t{number}", "account": f"farm-{number % 12}", "ts": 1_790_000_000_000 + number, "prompt": template(topic, number)}
        print(json.dumps(line))
        line = {"id": f"f{number}", "account": f"home-{number % 12}", "ts": 1_790_000_000_500 + number, "prompt": free(topic, number)}
        print(json.dumps(line))


def bodies():
    """Name, path and body of each request, in the two API shapes."""
    for number in range(6):
        topic = TOPICS[number + 3]
        text = template(topic, number + 3) if number % 2 == 0 else free(topic, number + 3)
        chat = {"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]}
        yield f"chat-{number}", "/v1/chat/completions", chat
        blocks = [{"type": "text", "text": text}]
        yield f"messages-{number}", "/v1/messages", {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": blocks}]}
    history = [{"role": "user", "content": "Hello there."}]
    for turn in range(40):
        history.append({"role": "assistant", "content": "An answer of the model. " * 60})
        history.append({"role": "user", "content": f"And now turn {turn}, with \u00e9 and \u4e2d\u6587. " + "Old words. " * 20})
    history.append({"role": "assistant", "content": "Yes."})
    history.append({"role": "user", "content": template("the tides", 0)})
    yield "long", "/v1/chat/completions", {"model": "m", "messages": history}


def send(urls):
    answers = []
    for turn, (name, path, body) in enumerate(bodies()):
        sender = {"content-type": "application/json", "x-account": "acme", "x-request-id": name}
        request = urllib.request.Request(urls[turn % len(urls)] + path, json.dumps(body).encode(), sender)
        with urllib.request.urlopen(request, timeout=120) as response:
            headers = {key.lower(): value for key, value in response.headers.items()}
            response.read()
        told = {key[14:]: value for key, value in headers.items() if key.startswith("x-promptprint-")}
        answers.append({"name": name, **told})
    return answers


def plain_lines():
    """The same requests as a log, for the bulk job."""
    return [json.dumps({"id": name, "account": "acme", "ts": 1_790_000_100_000, **body}) for name, _, body in bodies()]


if __name__ == "__main__":
    if sys.argv[1] == "log":
        log()
    elif sys.argv[1] == "bodies":
        print("\n".join(plain_lines()))
    else:
        for answer in send(sys.argv[2:]):
            print(json.dumps(answer, sort_keys=True))
