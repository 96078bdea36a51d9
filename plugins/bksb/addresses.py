"""Where bksb's API is, and where in bksb its keys are made. Imports nothing, because every Airflow process reads it."""

API_ROOTS = {"UK": "https://live2api.bksblive2.co.uk", "Australia": "https://live2api.bksblive2.com.au"}
"""The root of the API for each of bksb's two services."""

EITHER_ROOT = " or ".join(f"{root} ({region})" for region, root in API_ROOTS.items())

KEYS_PAGE = "Admin Options > API Access Keys > Configure Access Key"
"""The page in bksb on which a customer makes and sees the keys."""
