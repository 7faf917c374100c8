"""The conformance battery that every public module passes."""
