"""promptprint in a LiteLLM proxy: looks each request up before it goes out, records it, and tells the verdict in its metadata.

In the proxy's configuration:

    litellm_settings:
      callbacks: promptprint.litellm_callback.handler

PROMPTPRINT_STORE names the store; PROMPTPRINT_DEADLINE_US and PROMPTPRINT_DURABILITY are as in promptprint.h. Each worker of the
proxy opens its own writer at its first request, so `--num_workers` needs nothing more. Whatever goes wrong here, the request
proceeds.
"""

import json
import logging
import os

from litellm.integrations.custom_logger import CustomLogger

import promptprint

_log = logging.getLogger("promptprint")
# The proxy's own additions to a request; a client never sent them.
_ADDED = ("proxy_server_request", "litellm_metadata", "litellm_call_id", "litellm_logging_obj", "secret_fields", "metadata")


class Handler(CustomLogger):
    def __init__(self):
        super().__init__()
        self._pid = None
        self._writer = None

    def _recorder(self):
        if self._pid != os.getpid():
            self._pid = os.getpid()
            try:
                reader = promptprint.Reader(os.environ["PROMPTPRINT_STORE"])
                self._writer = promptprint.Writer(reader, os.environ.get("PROMPTPRINT_DURABILITY", "group"))
            except Exception as error:
                self._writer = None
                _log.warning("promptprint does not record: %s", error)
        return self._writer

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        try:
            writer = self._recorder()
            if writer is not None:
                verdict = self._observe(writer, user_api_key_dict, data)
                if verdict is not None:
                    data.setdefault("litellm_metadata" if "litellm_metadata" in data else "metadata", {})["promptprint"] = verdict.__dict__
        except Exception as error:
            _log.warning("promptprint: %s", error)
        return data

    def _observe(self, writer, user, data):
        original = (data.get("proxy_server_request") or {}).get("body")
        body = original or {name: value for name, value in data.items() if name not in _ADDED}
        headers = (data.get("proxy_server_request") or {}).get("headers") or {}
        return writer.observe(
            json.dumps(body, default=str, ensure_ascii=False).encode(errors="replace"),
            deadline_us=int(os.environ.get("PROMPTPRINT_DEADLINE_US", "0")),
            id=headers.get("x-request-id") or data.get("litellm_call_id"),
            key=getattr(user, "api_key", None),
            account=getattr(user, "user_id", None) or headers.get("x-account"),
            org=getattr(user, "org_id", None) or getattr(user, "team_id", None),
            end_user=getattr(user, "end_user_id", None),
            user_agent=headers.get("user-agent"),
        )

    async def async_post_call_response_headers_hook(self, data, user_api_key_dict, response, request_headers=None, **_):
        told = (data.get("litellm_metadata") or {}).get("promptprint") or (data.get("metadata") or {}).get("promptprint")
        if not told:
            return {}
        return {
            "x-promptprint-fingerprint": told["fingerprint"] or "none",
            "x-promptprint-family": told["family"] or "none",
            "x-promptprint-requests": str(told["requests_seen"]),
            "x-promptprint-advice": told["advice"],
        }


handler = Handler()
