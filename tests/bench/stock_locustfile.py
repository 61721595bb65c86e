"""Locust as its tutorial has it: users who wait for an answer before they ask again."""

from locust import FastHttpUser, constant, task


class Closed(FastHttpUser):
    """Asks, waits for the answer, asks again."""

    wait_time = constant(0)
    network_timeout = connection_timeout = 10.0

    @task
    def ask(self):
        """One chat."""
        self.client.post("/v1/chat", json={"message": "hello"})
