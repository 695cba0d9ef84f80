local ra = {}
return ra
