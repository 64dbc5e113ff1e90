"""Evidence of kind "tdx": Intel TDX quotes, judged with nothing but what comes along and a pinned root."""
