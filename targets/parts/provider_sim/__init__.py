"""A provider simulator: speaks the wire formats of OpenAI, Anthropic and Gemini, at a human pace, and fails on command.

    python -m targets.parts.provider_sim     serves the wire on port 8080 and the control API on port 8081

What it answers, and which requests meet a fault, follows from a seed and the number of the request.
"""
