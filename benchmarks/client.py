"""A user without a browser: speaks Streamlit's protocol over its websocket, so that many fit on one machine."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlparse

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState


class Client:
    """One session. ``errors`` holds exceptions shown in the page; ``received`` counts bytes."""

    def __init__(self, url: str, query: str = "", page: str = "") -> None:
        self.url, self.query, self.page = url, query, page
        self.states: dict[str, WidgetState] = {}
        self.widgets: dict[str, str] = {}  # key -> id
        self.errors: list[str] = []
        self.received = 0
        self.page_hash = ""

    async def open(self) -> float:
        """Connect and run the page for the first time; seconds."""
        host = urlparse(self.url).netloc
        self.socket = await websockets.connect(
            f"ws://{host}/_stcore/stream", subprotocols=["streamlit"], max_size=None, compression=None
        )
        return await self.run()

    async def choose(self, key: str, label: str) -> float:
        """Click an option of a segmented control; seconds until the script has finished."""
        state = WidgetState(id=self.widgets[key])
        state.string_array_value.data.append(label)
        self.states[state.id] = state
        return await self.run()

    async def run(self) -> float:
        """Run the page with what its widgets say; seconds until the script has finished."""
        message = BackMsg()
        wanted = message.rerun_script
        wanted.query_string = self.query
        if self.page_hash:
            wanted.page_script_hash = self.page_hash
        else:
            wanted.page_name = self.page
        wanted.widget_states.widgets.extend(self.states.values())
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            frame = await asyncio.wait_for(self.socket.recv(), 120)
            self.received += len(frame)
            answer = ForwardMsg.FromString(frame)
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self.page_hash = answer.new_session.page_script_hash
            elif kind == "page_info_changed":
                self.query = answer.page_info_changed.query_string
            elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                self._element(answer.delta.new_element)
            elif kind == "script_finished" and answer.script_finished in (0, 3):  # 2 gave way to another run
                return time.perf_counter() - start

    def _element(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(element.exception.message)
            return
        shown = getattr(element, kind) if kind else None
        identity = getattr(shown, "id", "")
        if not identity:
            return
        self.widgets[identity.rsplit("-", 1)[-1]] = identity
        # A browser tells the value of every widget it shows, whether touched or not.
        told = getattr(shown, "set_value", False)
        if identity in self.states and not told:
            return
        state = WidgetState(id=identity)
        if kind == "selectbox":
            chosen = shown.raw_value if told else shown.options[shown.default] if shown.HasField("default") else ""
            if chosen:
                state.string_value = chosen
        elif kind == "button_group":
            chosen = shown.raw_values if told else [shown.options[i].content for i in shown.default]
            state.string_array_value.data.extend(chosen)
        elif kind == "slider" and shown.options:
            chosen = shown.raw_value if told else [shown.options[int(i)] for i in shown.default]
            state.string_array_value.data.extend(chosen)
        elif kind == "slider":
            state.double_array_value.data.extend(shown.value if told else shown.default)
        elif kind == "checkbox":
            state.bool_value = shown.value if told else shown.default
        elif kind == "text_input":
            state.string_value = shown.value if told else shown.default
        else:
            return
        self.states[identity] = state

    async def close(self) -> None:
        """Leave."""
        await self.socket.close()
